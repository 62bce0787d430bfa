import type pg from 'pg';
import { isLoading, withoutSweep, type Advance, type Checkpoint } from '../../model/checkpoint.ts';
import { Failure } from '../../model/failure.ts';
import { joinPages, type PageRows, type PlainPage, type RowId } from '../../model/page.ts';
import { despiteContention } from '../connection/contention.ts';
import type { LoadMark } from '../table/load-identity.ts';
import { beginLoad, countPage } from '../table/load-marks.ts';
import { findDeletions, type Deletions } from '../deletes/deletions.ts';
import {
  anyRow,
  deleteByKey,
  forgetVersions,
  highestVersion,
  keyParameters,
  touchByKey,
} from './merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { PostgresConnection, transaction } from '../connection/postgres.ts';
import {
  clearQuarantine,
  leaveQuarantine,
  quarantineRows,
  type QuarantinedRow,
  type ReleasedRow,
} from '../quarantine/quarantined-rows.ts';
import { keyText, parseKey, rowKey, rowKeys, rowVersion } from './row-key.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { RowStore, type StoredRows } from './row-store.ts';
import {
  forgetSelection,
  holdFence,
  storeCheckpoint,
  type CheckpointUpdate,
  type Held,
} from '../state/checkpoints.ts';
import type { Lease } from '../lease/leases.ts';
import type { RunCounts } from '../state/run-counts.ts';
import { mirrorReplaced, rememberMark } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import {
  forgetSweepWord,
  forgetWaitingSweep,
  readSweepWord,
  recordWaitingSweep,
} from '../deletes/delete-approval.ts';
import { coversErasure, mayErase, type SweepCounts, type SweepLimits } from '../deletes/sweep-guard.ts';
import { assertDeleted, fireAtOnce, toldByFilters } from './swallowed-rows.ts';
import { SeenKeys } from '../deletes/sweep.ts';

/** What happens with one page: where the feed stood before it and stands after it. */
export interface PageStep {
  readonly from: Checkpoint;
  readonly advance: Advance;
  /** It is the first page of a baseline or re-baseline. */
  readonly begins: boolean;
  /** The table is up to date with it. */
  readonly finished: boolean;
  /** What ends with it is read once more: its delta link is not the one that the feed goes on from. */
  readonly repeats?: boolean;
  /** Every run loads anew: a word given for the sweep of one holds for the next. */
  readonly loadsEachTime?: boolean;
  /** Requests that go on record with the page, by what became of it; none without it. */
  readonly requests?: (result: PageResult) => Pick<RunCounts, 'requests' | 'idleRequests'>;
}

export interface PageResult {
  /** Rows inserted or replaced. */
  readonly written: number;
  /** Rows deleted, by tombstones and by a sweep. */
  readonly deleted: number;
  readonly quarantined: number;
  /** The sweep that was due and did not happen; the page is stored all the same. */
  readonly refusedSweep: RefusedSweep | null;
}

/** A sweep that would delete more than it may before somebody has said yes. */
export interface RefusedSweep extends SweepCounts {
  readonly table: string;
  /** Some of the rows that it would delete. */
  readonly sample: readonly RowId[];
  /** What was stored in place of the step's. */
  readonly checkpoint: Checkpoint;
}

const NOTHING: PageResult = { written: 0, deleted: 0, quarantined: 0, refusedSweep: null };
/** Rows of a refused sweep to look at: each costs a request. */
const SAMPLE = 3;
const NO_ROWS: PageRows = { bytes: new Uint8Array(0), width: 0, rows: 0, cells: new Int32Array(0) };

export interface PageWriterOptions {
  readonly pool: pg.Pool;
  readonly store: StateStore;
  readonly mirror: MirrorTable;
  readonly lease: Lease;
  /** Milliseconds. */
  readonly leaseDuration: number;
  readonly policy: RowPolicy;
  readonly sweep: SweepLimits;
  /** Whether the table may no longer be what the mirror table was last made to fit; without it it never is. */
  readonly isOutdated?: () => boolean;
}

/**
 * Stores the pages of one table while its lease is held. Invariant: a page's rows, tombstones,
 * quarantine entries and checkpoint commit in one transaction, which also proves the lease, or not at
 * all.
 *
 * It holds one connection from the first page that has something to store until `close()`.
 */
export class PageWriter {
  private readonly options: PageWriterOptions;
  private readonly rows: RowStore;
  private readonly seen: SeenKeys;
  private connection: PostgresConnection | undefined;

  constructor(options: PageWriterOptions) {
    this.options = options;
    this.rows = new RowStore(options.mirror, options.policy);
    this.seen = new SeenKeys(options.store, options.mirror);
  }

  /**
   * Stores a page. One without rows and tombstones costs a single statement.
   *
   * @throws Failure `lease-lost` when another process has taken over, `too-many-bad-rows`,
   *   `definition-outdated` where rows cannot be stored and the table may have changed,
   *   `mirror-replaced` where the mirror table is not the one that the link stands for, or one of class
   *   `retry` when PostgreSQL cannot serve; nothing of the page is stored then. Where a COMMIT's answer is lost,
   *   only the state table knows: read it again before going on.
   */
  async write(page: PlainPage, step: PageStep, signal: AbortSignal): Promise<PageResult> {
    const { store, lease, leaseDuration, mirror } = this.options;
    const update: CheckpointUpdate = {
      checkpoint: step.advance.checkpoint,
      linkIsNew: step.begins || (page.link?.kind === 'delta' && step.repeats !== true),
      finished: step.finished,
      leaseDuration,
    };
    const isEmpty = page.rows === 0 && page.tombstones.length === 0;
    if (isEmpty && !step.begins && !step.advance.sweep) {
      const counted = { ...update, counts: countsOf(step, NOTHING), mirror };
      await this.retried(signal, async () => storeCheckpoint(store, lease, counted));
      return NOTHING;
    }
    return this.fenced(signal, async (client, held) => {
      const result = await this.store(client, page, step, held);
      const { refusedSweep } = result;
      const instead = refusedSweep === null ? {} : { checkpoint: refusedSweep.checkpoint, finished: false };
      const counts = countsOf(step, result);
      const mark = step.begins ? await beginLoad(client, mirror) : await this.countPage(client, held);
      const stored = { mark, hasRows: await this.hasRows(client, result) };
      await storeCheckpoint(store.on(client), lease, { ...update, ...instead, counts, stored });
      return result;
    });
  }

  /**
   * Stores rows that were read again by their keys, whatever share of them is bad, and takes those that
   * are gone at the source out of quarantine. The checkpoint stays: what the feed has yet to bring, a
   * tombstone for instance, comes all the same.
   *
   * @param gone whole keys as quarantine has them.
   * @throws Failure as `write` does.
   */
  async storeAgain(
    rows: readonly PageRows[],
    gone: readonly string[],
    signal: AbortSignal,
  ): Promise<StoredRows> {
    const { store, mirror } = this.options;
    const page = rows.length === 0 ? NO_ROWS : joinPages(rows);
    return this.fenced(signal, async (client, held) => {
      const how = { append: false, rewrite: true, remember: undefined, rewound: false, maxShare: 1 };
      const mode = { ...how, watched: held.hasTriggers };
      const stored = await this.rows.store(client, page, mode);
      await leaveQuarantine(store.on(client), mirror.table.logicalName, [
        ...gone.map((key) => ({ key, version: null })),
        ...this.versionsOf(page, stored.quarantined),
      ]);
      await quarantineRows(store, client, mirror, stored.quarantined);
      if (stored.written > 0) {
        const mark = await this.countPage(client, held);
        await rememberMark(store.on(client), mirror.table.logicalName, mark);
      }
      return stored;
    });
  }

  /** The rows that a page's tombstones are about, and which of them have to be read again. */
  async deletions(page: PlainPage): Promise<Deletions> {
    const { pool, store, mirror } = this.options;
    if (page.tombstones.length === 0) return { certain: [], doubtful: [] };
    return transaction(pool, async (client) => findDeletions(client, store, mirror, page));
  }

  /** The highest row version in the mirror table; null where it has none. */
  async highestVersion(): Promise<bigint | null> {
    const statement = highestVersion(this.options.mirror);
    if (statement === undefined) return null;
    return transaction(this.options.pool, async (client) => {
      const { rows } = await client.query<{ version: string | null }>(statement);
      const version = rows[0]?.version ?? null;
      return version === null ? null : BigInt(version);
    });
  }

  /** Stores that a re-baseline is due, before its first page. @throws Failure as `write` does. */
  async rewind(checkpoint: Checkpoint, signal: AbortSignal): Promise<void> {
    const { store, lease, leaseDuration } = this.options;
    const update = { checkpoint, linkIsNew: false, finished: false, leaseDuration };
    await this.retried(signal, async () => storeCheckpoint(store, lease, update));
  }

  /** Whether what a re-baseline under way has seen so far is still there to go on with. */
  async hasSeenKeys(): Promise<boolean> {
    return transaction(this.options.pool, async (client) => this.seen.exist(client));
  }

  /** Has the next run load the table anew, and nobody asked about the sweep of a load that is of no use. */
  async forgetLoad(signal: AbortSignal): Promise<void> {
    const { store, lease, mirror } = this.options;
    await this.fenced(signal, async (client) => {
      const inside = store.on(client);
      await forgetSelection(inside, lease);
      await forgetWaitingSweep(inside, mirror.table.logicalName);
    });
  }

  /** Gives the connection back. */
  async close(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    try {
      await this.rows.close(connection);
      connection.release();
    } catch (error) {
      connection.destroy(error);
    }
  }

  private async store(
    client: pg.PoolClient,
    page: PlainPage,
    step: PageStep,
    held: Held,
  ): Promise<PageResult> {
    const { mirror, policy } = this.options;
    const { from } = step;
    const store = this.options.store.on(client);
    const table = mirror.table.logicalName;
    const sweeping = from.phase === 'rebaseline';
    if (step.begins) {
      await clearQuarantine(store, table);
      // A first load has nothing to sweep: a word that outlasted it would be one to the next load's.
      if (!sweeping) await forgetSweepWord(store, table);
      else if (step.loadsEachTime !== true) await forgetWaitingSweep(store, table);
      if (sweeping) await this.seen.begin(client, from.rewound);
    }
    // A row in quarantine may come storable at last with the version that the mirror has of it.
    const { inQuarantine } = held;
    const stored = await this.rows.store(client, page, {
      append: from.phase === 'baseline',
      rewrite: (sweeping && isLoading(from)) || (inQuarantine && !step.begins),
      remember: sweeping ? this.seen.name : undefined,
      rewound: from.rewound,
      watched: held.hasTriggers,
      maxShare: policy.maxShare,
    });
    // Another process may have changed the mirror table since: the rows are not at fault.
    if (stored.quarantined.length > 0 && this.options.isOutdated?.() === true) throw outdated(table);
    // What a delta has brought shows in `_mirrored_at`, to whoever stores its tombstones.
    if (page.link?.kind === 'next' && !isLoading(from) && stored.written < page.rows) {
      await client.query(touchByKey(mirror), keyParameters(mirror, keysIn(mirror, page)));
    }
    let deleted = 0;
    if (page.tombstones.length > 0) {
      deleted +=
        (await client.query(deleteByKey(mirror), keyParameters(mirror, page.tombstones))).rowCount ?? 0;
    }
    const gone = new Set(page.tombstones.map(keyText));
    // The others were not there, or somebody keeps them from being deleted.
    if (deleted < gone.size || held.hasTriggers) await assertDeleted(client, mirror, page.tombstones);
    if (inQuarantine) {
      const released = [...gone].map((key) => ({ key, version: null }));
      await leaveQuarantine(store, table, [...released, ...this.versionsOf(page, stored.quarantined)]);
    }
    const refused = stored.quarantined.filter(({ key }) => !gone.has(key));
    if (from.rewound) await this.forgetVersions(client, keysOf(refused));
    const dismissed = await quarantineRows(store, client, mirror, refused);
    if (sweeping) await this.seen.add(client, keysOf(refused));
    const refusedSweep = step.advance.sweep ? await this.refusalOfSweep(client, step) : null;
    if (step.advance.sweep && refusedSweep === null)
      deleted += await this.seen.sweep(client, from.rewound && step.loadsEachTime !== true);
    return { written: stored.written, deleted, quarantined: refused.length - dismissed, refusedSweep };
  }

  /** @throws Failure `mirror-replaced` where the mirror table's mark is not the one that the state has. */
  private async countPage(client: pg.PoolClient, { load }: Held): Promise<LoadMark> {
    const mark = await countPage(client, this.options.mirror, load);
    if (mark === null) throw mirrorReplaced(this.options.mirror);
    return mark;
  }

  /** Whether the mirror table has rows after a page. */
  private async hasRows(client: pg.PoolClient, { written, deleted }: PageResult): Promise<boolean> {
    if (written > 0 && deleted === 0) return true;
    return ((await client.query(anyRow(this.options.mirror))).rowCount ?? 0) > 0;
  }

  /** Why the sweep that is due must not happen yet; null when it may. */
  private async refusalOfSweep(client: pg.PoolClient, step: PageStep): Promise<RefusedSweep | null> {
    const { mirror, sweep: limits } = this.options;
    const store = this.options.store.on(client);
    const table = mirror.table.logicalName;
    const counts = await this.seen.count(client);
    const { unseenRows, allowed } = await readSweepWord(store, table);
    const agreed = allowed && (unseenRows === null || coversErasure(counts, unseenRows));
    if (agreed || mayErase(counts, limits)) {
      if (allowed || unseenRows !== null) await forgetSweepWord(store, table);
      return null;
    }
    await recordWaitingSweep(store, table, counts.unseen);
    const sample = await this.seen.some(client, SAMPLE);
    return { ...counts, table, sample, checkpoint: withoutSweep(step.from, step.advance) };
  }

  /** Rows that stay because what is to replace them cannot be stored: their versions mean nothing now. */
  private async forgetVersions(client: pg.PoolClient, rows: readonly RowId[]): Promise<void> {
    const { mirror } = this.options;
    const statement = forgetVersions(mirror, this.seen.name, true);
    if (statement === undefined || rows.length === 0) return;
    await client.query(statement, keyParameters(mirror, rows));
  }

  /** Rows of a page that were stored, by key and version: the entry of one that was not is to be kept. */
  private versionsOf(page: PageRows, refused: readonly QuarantinedRow[]): ReleasedRow[] {
    const { mirror } = this.options;
    const kept = new Set(refused.map(({ key }) => key));
    return Array.from({ length: page.rows }, (_, row) => row).flatMap((row) => {
      const key = rowKey(mirror, page, row);
      return key === null || kept.has(key) ? [] : [{ key, version: rowVersion(mirror, page, row) }];
    });
  }

  /** Runs `work` in a transaction of the writer's connection that proves the lease, and that it is the very table. */
  private async fenced<T>(
    signal: AbortSignal,
    work: (client: pg.PoolClient, held: Held) => Promise<T>,
  ): Promise<T> {
    const { pool, store, lease, mirror } = this.options;
    return this.retried(signal, async () => {
      const connection = (this.connection ??= await PostgresConnection.take(pool));
      return connection.transaction(async (client) => {
        const held = await holdFence(store, client, lease, mirror);
        if (!held.isRemembered || held.hasMarks !== mirror.hasMarks) throw mirrorReplaced(mirror);
        if (held.hasTriggers) await fireAtOnce(client, mirror);
        return work(client, held);
      }, signal);
    });
  }

  /** Repeats what lost against another transaction. @throws Failure */
  private async retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await despiteContention(work, signal);
    } catch (error) {
      throw await toldByFilters(this.options.pool, this.options.mirror, error);
    }
  }
}

function outdated(table: string): Failure {
  return new Failure({
    code: 'definition-outdated',
    message: `Table ${table} has changed at the source, and its rows do not fit the definition that mirrorverse knows.`,
    details: { table },
  });
}

/** What a page adds to the table's counters. */
function countsOf(step: PageStep, result: PageResult): RunCounts {
  const { requests = 0, idleRequests = 0 } = step.requests?.(result) ?? {};
  return { requests, idleRequests, changes: result.written + result.deleted };
}

/** The keys of a page's rows, of those that have one. */
function keysIn(mirror: MirrorTable, page: PageRows): RowId[] {
  return rowKeys(mirror, page).flatMap((key) => (key === null ? [] : (parseKey(key) ?? [])));
}

/** Of rows in quarantine the keys of those that have one. */
function keysOf(rows: readonly QuarantinedRow[]): RowId[] {
  return rows.flatMap(({ key }) => parseKey(key) ?? []);
}
