import type pg from 'pg';
import { type Checkpoint, isLoading, withoutSweep } from '../../model/checkpoint.ts';
import { Failure } from '../../model/failure.ts';
import type { PageRows, PlainPage, RowId } from '../../model/page.ts';
import { despiteContention, PostgresConnection, transaction } from '../connection/postgres.ts';
import type { LoadMark } from '../table/load-identity.ts';
import { beginLoad, countPage } from '../table/load-marks.ts';
import { type Deletions, findDeletions } from '../deletes/deletions.ts';
import {
  anyRow,
  deleteByKey,
  forgetVersions,
  highestVersion,
  keyParameters,
  touchByKey,
} from './merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import {
  clearQuarantine,
  leaveQuarantine,
  type QuarantinedRow,
  quarantineRows,
  type ReleasedRow,
} from '../quarantine/quarantined-rows.ts';
import { idsIn, idsOf, keyText, rowKey, rowVersion } from './row-key.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { RowStore, type StoredRows, type StoreMode } from './row-store.ts';
import { beginLog, type FeedWish } from '../feed/log-triggers.ts';
import { beginHistory } from '../history/history-triggers.ts';
import { countFilled } from '../table/partitions/filled-partitions.ts';
import { lockForTriggers } from '../table/row-triggers.ts';
import {
  type CheckpointUpdate,
  forgetSelection,
  type FencedTable,
  holdFence,
  storeCheckpoint,
} from '../state/checkpoints.ts';
import type { Lease } from '../lease/leases.ts';
import { loadAfter } from '../state/load-state.ts';
import { mirrorReplaced, rememberFilled, rememberMark } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { forgetSweepApproval, forgetWaitingSweep, refuseSweep } from '../deletes/delete-approval.ts';
import type { SweepLimits } from '../deletes/sweep-limits.ts';
import { assertDeleted, fireAtOnce, toldByFilters } from './swallowed-rows.ts';
import { SeenKeys } from '../deletes/seen-keys.ts';
import { countsOf, type PageResult, type PageStep, type RefusedSweep, type StoredPage } from './page-step.ts';

const NOTHING_STORED: StoredRows = { written: 0, left: 0, outside: [], quarantined: [] };
const NOTHING: StoredPage = { written: 0, deleted: 0, quarantined: 0, refusedSweep: null };

export interface PageWriterOptions {
  readonly pool: pg.Pool;
  readonly store: StateStore;
  readonly mirror: MirrorTable;
  readonly lease: Lease;
  /** Milliseconds. */
  readonly leaseDuration: number;
  readonly policy: RowPolicy;
  readonly sweep: SweepLimits;
  /** Whether the source's definition may have changed since the table was prepared; absent, it has not. */
  readonly isOutdated?: () => boolean;
  /** What the change log has of the table; absent, that stays as it is. */
  readonly feed?: FeedWish;
  /** Whether the table has a history; absent, that stays as it is. */
  readonly history?: boolean;
}

/**
 * Stores the pages of one table while the lease of the table is held. Invariant: a page's rows, tombstones,
 * quarantine entries and checkpoint commit in one transaction, which also proves the lease, or not at all.
 *
 * The writer takes a connection for the first page that has something to store, and keeps it until `close()`.
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
   * Stores a page. A page without rows and tombstones costs a single statement.
   *
   * Where the answer to a COMMIT is lost, only the state table knows what was stored: the caller reads it
   * again before going on.
   *
   * @throws Failure `lease-lost` when another process has taken over; `too-many-bad-rows`;
   *   `definition-outdated` where rows cannot be stored and the table may have changed; `mirror-replaced`
   *   where the mirror table is not the one that the link stands for; a failure of class `retry` when
   *   PostgreSQL cannot serve. Nothing of the page is stored then.
   */
  async write(page: PlainPage, step: PageStep, signal: AbortSignal): Promise<PageResult> {
    const { store, lease, leaseDuration, mirror } = this.options;
    const update: CheckpointUpdate = {
      checkpoint: step.advance.checkpoint,
      linkIsNew: step.begins || (page.link?.kind === 'delta' && step.repeats !== true),
      finished: step.finished,
      leaseDuration,
      resync: step.resync,
      bringsLink: isLoading(step.from) && step.advance.checkpoint.link?.kind === 'delta',
      load: loadAfter(step),
    };
    const isEmpty = page.rows === 0 && page.tombstones.length === 0;
    // A re-baseline is the first load of a table whose state was lost, or whose baseline could not go on.
    const endsLoad = step.from.phase !== step.advance.checkpoint.phase;
    // The change log and the history of the table may begin with this page.
    const { feed = 'off', history = false } = this.options;
    const mayBegin = endsLoad && (feed !== 'off' || history);
    if (isEmpty && !step.begins && !step.advance.sweep && !mayBegin) {
      const counted = { ...update, counts: countsOf(step, NOTHING), mirror };
      const wishes = await this.retried(signal, async () => storeCheckpoint(store, lease, counted));
      return { ...NOTHING, wishes };
    }
    return this.fenced(signal, async (client, held) => {
      const beginsLog = mayBegin && feed !== 'off' && !held.isLogged;
      const beginsHistory = mayBegin && history && !held.keepsHistory;
      if (beginsLog || beginsHistory) await lockForTriggers(client, mirror);
      const result = await this.store(client, page, step, held);
      if (beginsLog) await beginLog(client, store, mirror);
      if (beginsHistory) await beginHistory(client, store, mirror);
      const { refusedSweep } = result;
      const instead =
        refusedSweep === null
          ? {}
          : { checkpoint: refusedSweep.checkpoint, finished: false, load: 'over' as const };
      const counts = countsOf(step, result);
      const mark = step.begins ? await beginLoad(client, mirror) : await this.countPage(client, held);
      const filled =
        held.hasPartitions && result.deleted > 0 ? { filled: await countFilled(client, mirror) } : {};
      const stored = { mark, hasRows: await this.hasRows(client, result), ...filled };
      const wishes = await storeCheckpoint(store.on(client), lease, {
        ...update,
        ...instead,
        counts,
        stored,
      });
      return { ...result, wishes };
    });
  }

  /**
   * Stores rows that were read again by their keys, whatever share of them is bad, and takes rows that are
   * gone at the source out of quarantine. The checkpoint stays: the feed still brings what it has for these
   * rows, a tombstone for instance.
   *
   * @param rows null where all are gone.
   * @param gone whole keys, as quarantine has them.
   * @param first runs before the rows are stored, in the same transaction.
   * @throws Failure as `write` does.
   */
  async storeAgain(
    rows: PageRows | null,
    gone: readonly string[],
    signal: AbortSignal,
    first?: (client: pg.PoolClient) => Promise<unknown>,
  ): Promise<StoredRows> {
    const { store, mirror } = this.options;
    return this.fenced(signal, async (client, held) => {
      await first?.(client);
      const mode: StoreMode = {
        append: false,
        rewrite: true,
        seenKeysTable: undefined,
        rewound: false,
        sweepsOutside: false,
        watched: held.hasTriggers,
        maxShare: 1,
      };
      const stored = rows === null ? NOTHING_STORED : await this.rows.store(client, rows, mode);
      await leaveQuarantine(store.on(client), mirror.table.logicalName, [
        ...gone.map((key) => ({ key, version: null })),
        ...(rows === null ? [] : this.versionsOf(rows, stored.quarantined)),
      ]);
      await quarantineRows(store, client, mirror, stored.quarantined);
      if (stored.written > 0 || stored.left > 0) {
        const mark = await this.countPage(client, held);
        await rememberMark(store.on(client), mirror.table.logicalName, mark);
      }
      if (first !== undefined && held.hasPartitions) {
        await rememberFilled(store.on(client), mirror.table.logicalName, await countFilled(client, mirror));
      }
      return stored;
    });
  }

  /** Finds the rows that a page's tombstones are about, and which of these rows have to be read again. */
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

  /** Stores that a re-baseline is due, before the first page of the re-baseline. @throws Failure as `write` does. */
  async rewind(checkpoint: Checkpoint, signal: AbortSignal): Promise<void> {
    const { store, lease, leaseDuration } = this.options;
    const update = { checkpoint, linkIsNew: false, finished: false, leaseDuration };
    await this.retried(signal, async () => storeCheckpoint(store, lease, update));
  }

  /** Whether the keys that the re-baseline under way has seen are still there, so that it can go on. */
  async hasSeenKeys(): Promise<boolean> {
    return transaction(this.options.pool, async (client) => this.seen.exist(client));
  }

  /** Makes the next run load anew, and withdraws the question about the sweep of this load. */
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
    held: FencedTable,
  ): Promise<StoredPage> {
    const { mirror, policy } = this.options;
    const { from } = step;
    const store = this.options.store.on(client);
    const table = mirror.table.logicalName;
    const sweeping = from.phase === 'rebaseline';
    if (step.begins) {
      await clearQuarantine(store, table);
      // A first load has nothing to sweep. A yes that stayed in the state would count for the next load's
      // sweep.
      if (!sweeping) await forgetSweepApproval(store, table);
      else if (step.loadsEachTime !== true) await forgetWaitingSweep(store, table);
      if (sweeping) await this.seen.begin(client, from.rewound);
    }
    // A row in quarantine may become storable with the same version that the mirror already has.
    const { inQuarantine } = held;
    const stored = await this.rows.store(client, page, {
      append: from.phase === 'baseline',
      rewrite: (sweeping && isLoading(from)) || (inQuarantine && !step.begins),
      seenKeysTable: sweeping ? this.seen.name : undefined,
      rewound: from.rewound,
      sweepsOutside: sweeping && isLoading(from),
      watched: held.hasTriggers,
      maxShare: policy.maxShare,
    });
    // Another process may have changed the mirror table meanwhile. Then the rows are not at fault.
    if (stored.quarantined.length > 0 && this.options.isOutdated?.() === true) throw outdated(table);
    // Tombstones that are stored later tell by `_mirrored_at` which rows this delta has brought. A row that
    // was not written again gets the new time here.
    if (page.link?.kind === 'next' && !isLoading(from) && stored.written < page.rows) {
      await client.query(touchByKey(mirror), keyParameters(mirror, idsIn(mirror, page)));
    }
    let deleted = stored.left;
    if (page.tombstones.length > 0) {
      deleted +=
        (await client.query(deleteByKey(mirror), keyParameters(mirror, page.tombstones))).rowCount ?? 0;
    }
    const gone = new Set(page.tombstones.map(keyText));
    // A row that was not deleted was not there, or a trigger or rule of somebody keeps it.
    if (deleted < gone.size || held.hasTriggers) await assertDeleted(client, mirror, page.tombstones);
    if (inQuarantine) {
      const released = [...gone].map((key) => ({ key, version: null }));
      await leaveQuarantine(store, table, [...released, ...this.versionsOf(page, stored.quarantined)]);
    }
    const refused = stored.quarantined.filter(({ key }) => !gone.has(key));
    if (from.rewound) await this.forgetVersions(client, idsOf(refused));
    const dismissed = await quarantineRows(store, client, mirror, refused);
    // The keys are remembered only now. Until then, the table of seen keys tells which rows the environment has
    // sent since it went back in time. Rows in quarantine were seen too.
    if (sweeping) await this.rememberSeen(client, page, stored.outside);
    let refusedSweep: RefusedSweep | null = null;
    const sweepsRewound = from.rewound && step.loadsEachTime !== true;
    if (step.advance.sweep) {
      deleted += await this.seen.sweepOutside(client, sweepsRewound);
      const counts = await this.seen.count(client);
      const tooLarge = await refuseSweep(client, store, this.seen, counts, table, this.options.sweep);
      if (tooLarge !== null)
        refusedSweep = { ...tooLarge, table, checkpoint: withoutSweep(from, step.advance) };
      else deleted += await this.seen.sweep(client, counts, sweepsRewound);
    }
    return { written: stored.written, deleted, quarantined: refused.length - dismissed, refusedSweep };
  }

  private async rememberSeen(
    client: pg.PoolClient,
    page: PageRows,
    outside: readonly RowId[],
  ): Promise<void> {
    const left = new Set(outside.map(keyText));
    await this.seen.add(
      client,
      idsIn(this.options.mirror, page).filter((id) => !left.has(keyText(id))),
    );
    await this.seen.addOutside(client, outside);
  }

  /** @throws Failure `mirror-replaced` where the mirror table's mark is not the one that the state has. */
  private async countPage(client: pg.PoolClient, { load }: FencedTable): Promise<LoadMark> {
    const mark = await countPage(client, this.options.mirror, load);
    if (mark === null) throw mirrorReplaced(this.options.mirror);
    return mark;
  }

  /** Whether the mirror table has rows after a page. */
  private async hasRows(client: pg.PoolClient, { written, deleted }: StoredPage): Promise<boolean> {
    if (written > 0 && deleted === 0) return true;
    return ((await client.query(anyRow(this.options.mirror))).rowCount ?? 0) > 0;
  }

  /**
   * Clears the versions of rows that stay because their replacement cannot be stored. The environment went
   * back in time, so these versions mean nothing now.
   */
  private async forgetVersions(client: pg.PoolClient, rows: readonly RowId[]): Promise<void> {
    const { mirror } = this.options;
    const statement = forgetVersions(mirror, this.seen.name, true);
    if (statement === undefined || rows.length === 0) return;
    await client.query(statement, keyParameters(mirror, rows));
  }

  /** The rows of a page that were stored. The quarantine entry of any other row stays. */
  private versionsOf(page: PageRows, refused: readonly QuarantinedRow[]): ReleasedRow[] {
    const { mirror } = this.options;
    const kept = new Set(refused.map(({ key }) => key));
    return Array.from({ length: page.rows }, (_, row) => row).flatMap((row) => {
      const key = rowKey(mirror, page, row);
      return key === null || kept.has(key) ? [] : [{ key, version: rowVersion(mirror, page, row) }];
    });
  }

  /**
   * Runs `work` in a transaction of the writer's connection. The transaction proves the lease, and that the
   * mirror table is the one that the link stands for.
   */
  private async fenced<T>(
    signal: AbortSignal,
    work: (client: pg.PoolClient, held: FencedTable) => Promise<T>,
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

  /** Repeats work that lost against another transaction. @throws Failure */
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
