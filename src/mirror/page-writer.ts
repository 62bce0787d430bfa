import type pg from 'pg';
import { isLoading, type Advance, type Checkpoint } from '../model/checkpoint.ts';
import { cellText, type Page } from '../model/page.ts';
import { sleep } from '../model/sleep.ts';
import { deleteByKey, writtenByThisDelta } from './merge-sql.ts';
import type { MirrorTable } from './mirror-table.ts';
import { PostgresConnection, transaction } from './postgres.ts';
import {
  clearQuarantine,
  hasQuarantined,
  leaveQuarantine,
  quarantineRows,
  type QuarantinedRow,
} from './quarantine.ts';
import { RowStore } from './row-store.ts';
import { isContention, postgresFailure } from './sqlstate.ts';
import { holdFence, storeCheckpoint, type CheckpointUpdate } from './state/checkpoints.ts';
import type { Lease } from './state/leases.ts';
import type { StateStore } from './state/store.ts';
import { SeenKeys } from './sweep.ts';

/** What happens with one page: where the feed stood before it and stands after it. */
export interface PageStep {
  readonly from: Checkpoint;
  readonly advance: Advance;
  /** It is the first page of a baseline or re-baseline. */
  readonly begins: boolean;
  /** The table is up to date with it. */
  readonly finished: boolean;
}

export interface PageResult {
  /** Rows inserted or replaced. */
  readonly written: number;
  /** Rows deleted, by tombstones and by a sweep. */
  readonly deleted: number;
  readonly quarantined: number;
}

const NOTHING: PageResult = { written: 0, deleted: 0, quarantined: 0 };
const CONTENTION_RETRIES = 5;
/** Milliseconds a page may go on after the process was told to stop. */
const PAGE_GRACE = 10_000;

export interface PageWriterOptions {
  readonly pool: pg.Pool;
  readonly store: StateStore;
  readonly mirror: MirrorTable;
  readonly lease: Lease;
  /** Milliseconds. */
  readonly leaseDuration: number;
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
  // Rows that came as upserts of the delta under way and are not to be told by their `_mirrored_at`:
  // the mirror had them already.
  private readonly cameUnchanged = new Set<string>();

  constructor(options: PageWriterOptions) {
    this.options = options;
    this.rows = new RowStore(options.mirror);
    this.seen = new SeenKeys(options.store, options.mirror);
  }

  /**
   * Stores a page. One without rows and tombstones costs a single statement.
   *
   * @throws Failure `lease-lost` when another process has taken over, or one of class `retry` when
   *   PostgreSQL cannot serve; nothing of the page is stored then. Where a COMMIT's answer is lost,
   *   only the state table knows: read it again before going on.
   */
  async write(page: Page, step: PageStep, signal: AbortSignal): Promise<PageResult> {
    const { store, lease, leaseDuration } = this.options;
    const update: CheckpointUpdate = {
      checkpoint: step.advance.checkpoint,
      linkIsNew: step.begins || page.link.kind === 'delta',
      finished: step.finished,
      leaseDuration,
    };
    const isEmpty = page.rows === 0 && page.tombstones.length === 0;
    if (isEmpty && !step.begins && !step.advance.sweep) {
      await this.retried(signal, async () => storeCheckpoint(store, store.db, lease, update));
      return NOTHING;
    }
    return this.retried(signal, async () => {
      const connection = (this.connection ??= await PostgresConnection.take(this.options.pool));
      return this.cancelledLate(connection, signal, async () =>
        connection.transaction(async (client) => {
          await holdFence(store, client, lease);
          const result = await this.store(client, page, step);
          await storeCheckpoint(store, store.on(client), lease, update);
          return result;
        }),
      );
    });
  }

  /**
   * Of a page's tombstones, those whose row came as an upsert in the same delta: on this page, or on
   * an earlier one. Upserts and tombstones of one delta have no documented order, so only reading the
   * row again tells whether it lives.
   */
  async contradicted(page: Page): Promise<ReadonlySet<string>> {
    const { pool, store, mirror } = this.options;
    const keys = page.tombstones.map((tombstone) => tombstone.key);
    if (keys.length === 0) return new Set();
    const here = new Set([...this.keysOf(page), ...this.cameUnchanged]);
    const { rows } = await transaction(pool, async (client) =>
      client.query<{ key: string }>(writtenByThisDelta(mirror, store.schema), [
        keys,
        store.environmentId,
        mirror.table.logicalName,
      ]),
    );
    const before = new Set(rows.map((row) => row.key));
    return new Set(keys.filter((key) => here.has(key) || before.has(key)));
  }

  /** Whether what a re-baseline under way has seen so far is still there to go on with. */
  async hasSeenKeys(): Promise<boolean> {
    return transaction(this.options.pool, async (client) => this.seen.exist(client));
  }

  /** Gives the connection back. */
  async close(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    try {
      await this.rows.close(connection.client);
      connection.release();
    } catch (error) {
      connection.destroy(error);
    }
  }

  private async store(client: pg.PoolClient, page: Page, step: PageStep): Promise<PageResult> {
    const { store, mirror } = this.options;
    const { from } = step;
    const db = store.on(client);
    const table = mirror.table.logicalName;
    const sweeping = from.phase === 'rebaseline';
    if (step.begins) {
      await clearQuarantine(store, db, table);
      if (sweeping) await this.seen.begin(client);
    }
    const stored = await this.rows.store(client, page, {
      append: from.phase === 'baseline',
      rewrite: sweeping && isLoading(from),
      remember: sweeping ? this.seen.name : undefined,
    });
    if (page.link.kind === 'delta') this.cameUnchanged.clear();
    else if (!isLoading(from) && stored.written < page.rows) {
      for (const key of this.keysOf(page)) this.cameUnchanged.add(key);
    }
    const tombstones = page.tombstones.map((tombstone) => tombstone.key);
    let deleted = 0;
    if (tombstones.length > 0) {
      deleted += (await client.query(deleteByKey(mirror), [tombstones])).rowCount ?? 0;
    }
    await this.keepQuarantine(client, page, stored.quarantined, tombstones);
    if (sweeping)
      await this.seen.add(
        client,
        stored.quarantined.flatMap(({ key }) => uuidOnly(key)),
      );
    if (step.advance.sweep) deleted += await this.seen.sweep(client, mirror);
    return { written: stored.written, deleted, quarantined: stored.quarantined.length };
  }

  private keysOf(page: Page): string[] {
    const keys: string[] = [];
    for (let row = 0; row < page.rows; row++) {
      const key = cellText(page, row, this.options.mirror.keyField);
      if (key !== null) keys.push(key.toLowerCase());
    }
    return keys;
  }

  /** Rows that are stored or deleted now leave quarantine; those that could not be stored enter. */
  private async keepQuarantine(
    client: pg.PoolClient,
    page: Page,
    refused: readonly QuarantinedRow[],
    tombstones: readonly string[],
  ): Promise<void> {
    const { store, mirror } = this.options;
    const db = store.on(client);
    const table = mirror.table.logicalName;
    if (await hasQuarantined(store, db, table)) {
      await leaveQuarantine(store, db, table, [...tombstones, ...this.keysOf(page)]);
    }
    await quarantineRows(store, db, table, refused);
  }

  /**
   * Lets the page under way end by itself after an abort, for a while; then its statement is cancelled,
   * which rolls the page back. One that waits for a lock would otherwise outlast the process's own
   * time to stop, and keep the lease.
   */
  private async cancelledLate<T>(
    connection: PostgresConnection,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      timer = setTimeout(() => void connection.cancel(this.options.pool), PAGE_GRACE);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Repeats what lost against another transaction: a deadlock, or a lock that was not to be had. */
  private async retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!isContention(error) || attempt > CONTENTION_RETRIES) throw postgresFailure(error);
        await sleep(50 * 2 ** attempt * (0.5 + Math.random()), signal);
      }
    }
  }
}

function uuidOnly(key: string): string[] {
  return key.length === 36 && !key.includes(' ') ? [key] : [];
}
