import type { SQL } from 'drizzle-orm';
import type pg from 'pg';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { Failure } from '../../model/failure.ts';
import type { LoadMark } from '../table/load-identity.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { HISTORY_TRIGGERS, LOG_TRIGGERS } from '../feed/own-triggers.ts';
import { linkVersion } from '../control/state-view.ts';
import { endWithLink, wishColumns, type Wishes } from '../control/pauses.ts';
import { heldBy, type Lease } from '../lease/leases.ts';
import { and, eq, interval, sql } from '../drizzle.ts';
import {
  asLoad,
  hasMarks,
  hasOwnTriggers,
  hasTriggers,
  isRemembered,
  mirrorReplaced,
} from './remembered-load.ts';
import { addedCounts, type RunCounts } from './outcomes.ts';
import { loadColumns, type LoadPage } from './load-state.ts';
import type { StateStore } from './store.ts';

/** A table whose fence the transaction holds. */
export interface FencedTable {
  /** The table has rows in quarantine. Dismissed rows count: they may become storable too. */
  readonly inQuarantine: boolean;
  /** The load that brought the mirror table's rows; null where none is known. */
  readonly load: string | null;
  /** The mirror table is the one that the link stands for. */
  readonly isRemembered: boolean;
  /** It has the column that marks rows as deleted; another process may have added or dropped it. */
  readonly hasMarks: boolean;
  /** The mirror table has triggers of others, which may undo what is written, or deferrable constraints. */
  readonly hasTriggers: boolean;
  /** Its changes go to the change log. */
  readonly isLogged: boolean;
  /** Its changes go to its history. */
  readonly keepsHistory: boolean;
  /** It has partitions. */
  readonly hasPartitions: boolean;
}

/**
 * Proves that the lease is still held, and keeps it held until the transaction ends: the row stays locked,
 * and no process takes over a locked row.
 *
 * @param mirror the table that is about to be written; without it, nothing is asked about a mirror table.
 * @throws Failure `lease-lost`.
 */
export async function holdFence(
  store: StateStore,
  client: pg.PoolClient,
  lease: Lease,
  mirror?: MirrorTable,
): Promise<FencedTable> {
  const { tables, quarantine } = store.tables;
  const { db } = store.on(client);
  const isOfTable = and(eq(quarantine.environmentId, store.environmentId), eq(quarantine.table, lease.table));
  const quarantined = db.select({ key: quarantine.key }).from(quarantine).where(isOfTable);
  const [held] = await db
    .select({
      inQuarantine: sql<boolean>`EXISTS ${quarantined}`,
      load: tables.load,
      isRemembered:
        mirror === undefined ? sql<boolean>`true` : isRemembered(store, mirror.schema, mirror.identifier),
      hasMarks: hasMarks(store),
      hasTriggers: hasTriggers(store),
      isLogged: hasOwnTriggers(store, LOG_TRIGGERS),
      keepsHistory: hasOwnTriggers(store, HISTORY_TRIGGERS),
      hasPartitions: sql<boolean>`${tables.mirrorParts} IS NOT NULL`,
    })
    .from(tables)
    .where(heldBy(store, lease))
    .for('no key update');
  if (held === undefined) throw leaseLost(lease);
  return held;
}

/** What is known of a mirror table after a page. */
export interface StoredRowsSeen {
  readonly mark: LoadMark;
  readonly hasRows: boolean;
  /** Partitions that have rows; absent if no partition can have become empty. */
  readonly filled?: number | null;
}

export interface CheckpointUpdate {
  readonly checkpoint: Checkpoint;
  /**
   * The link was issued by this page, or the baseline begins with this page. The moment tells the link's age,
   * and which rows the delta after it has written.
   */
  readonly linkIsNew: boolean;
  /** The table is up to date with this page: the success is recorded and the lease given back. */
  readonly finished: boolean;
  /** Milliseconds, for the renewal of the lease. */
  readonly leaseDuration: number;
  /** Added to the table's counters; absent, nothing is added. */
  readonly counts?: RunCounts;
  /** What the page did to the mirror table; absent where it did nothing. */
  readonly stored?: StoredRowsSeen;
  /** The request for a new baseline that begins with this page; it is answered then. */
  readonly resync?: string | undefined;
  /** A load ends with this page, and the feed gets its first delta link. */
  readonly bringsLink?: boolean;
  /** The table that the link stands for, where no transaction of this page has checked it. */
  readonly mirror?: MirrorTable;
  /** What the page means for the figures of a load; absent where it means nothing. */
  readonly load?: LoadPage | 'over' | undefined;
}

/**
 * Stores where the feed stands, in the store's transaction or as one statement.
 *
 * @returns what people ask of the table: the answer costs no statement of its own, and comes with every page.
 * @throws Failure `lease-lost`, so that the caller's transaction rolls back; `mirror-replaced` where `mirror`
 *   is not the table that the link stands for.
 */
export async function storeCheckpoint(
  store: StateStore,
  lease: Lease,
  update: CheckpointUpdate,
): Promise<Wishes> {
  const { tables } = store.tables;
  const { checkpoint, leaseDuration, counts, stored: page, mirror } = update;
  const isTheTable = mirror && isRemembered(store, mirror.schema, mirror.identifier);
  const expiry = sql`clock_timestamp() + ${interval(leaseDuration)}`;
  const [wishes] = await store.db
    .update(tables)
    .set({
      phase: checkpoint.phase,
      catchingUp: checkpoint.catchingUp,
      link: checkpoint.link?.url ?? null,
      linkKind: checkpoint.link?.kind ?? null,
      linkPageSize: checkpoint.link?.pageSize ?? null,
      // The history needs it for as long as a delta or a load is under way.
      ...(checkpoint.link?.kind === 'delta' ? {} : { deltaVersion: lastDeltaVersion(store) }),
      selection: checkpoint.selection,
      rewound: checkpoint.rewound,
      ...(checkpoint.link === null
        ? { linkIssuedAt: null }
        : update.linkIsNew
          ? { linkIssuedAt: sql`now()` }
          : // What this page wrote came later, whatever a clock that was set back since makes of it.
            { linkIssuedAt: sql`least(${tables.linkIssuedAt}, now() - interval '1 microsecond')` }),
      ...(update.finished
        ? { ...SUCCESS, lastSuccessAt: sql`clock_timestamp()`, leaseHolder: null, leaseExpiresAt: null }
        : { leaseExpiresAt: expiry }),
      // A request that came since the load began stays: another load answers it.
      ...(update.resync === undefined
        ? {}
        : { resyncAskedAt: sql`nullif(${tables.resyncAskedAt}, ${update.resync}::timestamptz)` }),
      ...(update.bringsLink === true ? { pausedUntil: endWithLink(store) } : {}),
      ...(counts === undefined ? {} : addedCounts(store, counts)),
      ...(page === undefined ? {} : { ...asLoad(page.mark), hasRows: page.hasRows }),
      ...(page?.filled === undefined ? {} : { filledParts: page.filled }),
      ...loadColumns(store, update.load),
    })
    .where(and(heldBy(store, lease), isTheTable))
    .returning(wishColumns(store));
  if (wishes !== undefined) return wishes;
  if (mirror === undefined) throw leaseLost(lease);
  const held = await store.db.select({ table: tables.table }).from(tables).where(heldBy(store, lease));
  throw held.length === 0 ? leaseLost(lease) : mirrorReplaced(mirror);
}

function lastDeltaVersion({ tables: { tables } }: StateStore): SQL {
  const version = sql.raw(linkVersion('link'));
  return sql`CASE ${tables.linkKind} WHEN 'delta' THEN ${version} ELSE ${tables.deltaVersion} END`;
}

/** Sets a table back to its beginning, because its mirror table was made anew. */
export async function forgetCheckpoint(store: StateStore, lease: Lease): Promise<void> {
  await store.db.update(store.tables.tables).set(BEGINNING).where(heldBy(store, lease));
}

/**
 * Makes the next run re-baseline the table. Its mirror table got new columns, or its link is of no use.
 * @throws Failure
 */
export async function forgetSelection(store: StateStore, lease: Lease): Promise<void> {
  await store.transaction(async ({ db }) =>
    db.update(store.tables.tables).set({ selection: null }).where(heldBy(store, lease)),
  );
}

/** Where the feed of a table stands before its first page. */
export const BEGINNING = {
  phase: 'new',
  catchingUp: false,
  link: null,
  linkKind: null,
  linkPageSize: null,
  linkIssuedAt: null,
  selection: null,
  rewound: false,
};

/** The failure columns of a table that is up to date. */
export const SUCCESS = {
  failures: 0,
  errorCode: null,
  errorMessage: null,
  errorRemedy: null,
  errorReaction: null,
  errorAt: null,
};

function leaseLost(lease: Lease): Failure {
  return new Failure({
    code: 'lease-lost',
    message: `Another process has taken over table ${lease.table}; nothing was committed.`,
    details: { table: lease.table },
  });
}
