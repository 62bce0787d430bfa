import { isPaused, resyncRequest } from '../control/pauses.ts';
import { and, count, eq, inArray, interval, isNotNull, isNull, not, or, sql } from '../drizzle.ts';
import type { Checkpoint, FeedPhase } from '../../model/checkpoint.ts';
import type { Link } from '../../model/page.ts';
import { addedCounts } from '../state/outcomes.ts';
import type { StateStore } from '../state/store.ts';

/** The right to write one table's mirror, with the fence that proves the right in every commit. */
export interface Lease {
  readonly table: string;
  readonly holder: string;
  readonly fence: bigint;
}

/** A lease that was just taken, and how far its table has come. */
export interface AcquiredLease {
  readonly lease: Lease;
  readonly checkpoint: Checkpoint;
  /** Milliseconds since the table last came up to date, by the database's clock. */
  readonly successAge: number | null;
  /** Milliseconds since the delta link that the feed follows was stored, or since the load began. */
  readonly linkAge: number | null;
  /** Rows that runs of all processes have written or deleted so far. */
  readonly changes: number;
  /** Rows in quarantine, without dismissed ones. */
  readonly quarantined: number;
  /** A person's request for a new baseline that has not begun yet; null where none waits. */
  readonly resync: string | null;
  /** What the load under way has stored and expects; null where none is under way. */
  readonly load: StoredLoad | null;
}

/** How far a load had come when its last page was stored. */
export interface StoredLoad {
  readonly rowsLoaded: number;
  readonly rowsExpected: number | null;
}

/**
 * Gives each table a row of state. Without it, nobody can take the lease of the table. A table that a configuration had
 * left out is mirrored again. @throws Failure
 */
export async function registerTables(store: StateStore, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { environmentId } = store;
  const { tables } = store.tables;
  const rows = [...new Set(names)].map((table) => ({ environmentId, table }));
  await store.statement(async (db) => db.insert(tables).values(rows).onConflictDoNothing());
  // An upsert would lock each row, and so wait for a holder that stands still in the middle of a page.
  await store.statement(async (db) =>
    db
      .update(tables)
      .set({ leftAt: null })
      .where(
        and(
          eq(tables.environmentId, environmentId),
          inArray(tables.table, [...names]),
          isNotNull(tables.leftAt),
        ),
      ),
  );
}

/**
 * Takes the lease of a table if nobody holds it or its time is up, by the database's clock alone. Each
 * take-over raises the fence, which locks the former holder out. Nobody gets the lease of a table that a person has
 * paused.
 *
 * A locked row belongs to a page that is being stored now. It is passed over: waiting for it would hold the
 * caller up as long as a large page takes.
 *
 * @param duration milliseconds until the lease runs out unless it is renewed.
 * @returns null when another process holds the lease, or when the table is paused.
 * @throws Failure
 */
export async function takeLease(
  store: StateStore,
  table: string,
  holder: string,
  duration: number,
): Promise<AcquiredLease | null> {
  const { tables, quarantine } = store.tables;
  const { db } = store;
  const quarantined = db
    .select({ rows: count() })
    .from(quarantine)
    .where(
      and(
        eq(quarantine.environmentId, store.environmentId),
        eq(quarantine.table, table),
        isNull(quarantine.dismissedAt),
      ),
    );
  const free = db
    .select({ table: tables.table })
    .from(tables)
    .where(
      and(
        eq(tables.environmentId, store.environmentId),
        eq(tables.table, table),
        not(isPaused(store)),
        // A process may take its own lease again: giving it back may have failed, or the answer to taking it
        // may be lost.
        sql`(${tables.leaseHolder} IS NULL OR ${tables.leaseHolder} = ${holder} OR ${tables.leaseExpiresAt} < clock_timestamp())`,
      ),
    )
    .for('update', { skipLocked: true });
  const [row] = await store.statement(async () =>
    db
      .update(tables)
      .set({
        leaseHolder: holder,
        leaseExpiresAt: sql`clock_timestamp() + ${interval(duration)}`,
        fence: sql`${tables.fence} + 1`,
        lastAttemptAt: sql`clock_timestamp()`,
      })
      .where(and(eq(tables.environmentId, store.environmentId), inArray(tables.table, free)))
      .returning({
        fence: tables.fence,
        changes: tables.changes,
        resync: resyncRequest(store),
        quarantined: sql<number>`(${quarantined})::int`,
        ...checkpointColumns(tables),
        rowsLoaded: tables.rowsLoaded,
        rowsExpected: tables.rowsExpected,
        successAge: successAge(store),
        linkAge: sql<
          number | null
        >`extract(epoch from clock_timestamp() - ${tables.linkIssuedAt})::float8 * 1000`,
      }),
  );
  if (row === undefined) return null;
  return {
    lease: { table, holder, fence: row.fence },
    checkpoint: checkpointOf(row),
    successAge: row.successAge,
    linkAge: row.linkAge,
    changes: row.changes,
    quarantined: row.quarantined,
    resync: row.resync,
    load: row.rowsLoaded === null ? null : { rowsLoaded: row.rowsLoaded, rowsExpected: row.rowsExpected },
  };
}

/** The columns that make a checkpoint. */
function checkpointColumns({
  phase,
  catchingUp,
  link,
  linkKind,
  selection,
  linkPageSize,
  rewound,
}: StateStore['tables']['tables']) {
  return { phase, catchingUp, link, linkKind, selection, linkPageSize, rewound };
}

interface StoredCheckpoint {
  readonly phase: string;
  readonly catchingUp: boolean;
  readonly link: string | null;
  readonly linkKind: string | null;
  readonly selection: string | null;
  readonly linkPageSize: number | null;
  readonly rewound: boolean;
}

function checkpointOf(row: StoredCheckpoint): Checkpoint {
  return {
    phase: row.phase as FeedPhase,
    catchingUp: row.catchingUp,
    link: linkOf(row),
    selection: row.selection,
    rewound: row.rewound,
  };
}

/**
 * Reads where a table's feed stands, without taking its lease; undefined for a table without state. @throws Failure
 */
export async function readCheckpoint(store: StateStore, table: string): Promise<Checkpoint | undefined> {
  const { tables } = store.tables;
  const [row] = await store.transaction(async ({ db }) =>
    db
      .select(checkpointColumns(tables))
      .from(tables)
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
  return row === undefined ? undefined : checkpointOf(row);
}

/**
 * Milliseconds since a table last came up to date, by the database's clock, without its lease. Null for a table that
 * never did, and for one that a person wants loaded anew. @throws Failure
 */
export async function readSuccessAge(store: StateStore, table: string): Promise<number | null> {
  const { tables } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ age: successAge(store), resync: resyncRequest(store) })
      .from(tables)
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
  return row === undefined || row.resync !== null ? null : row.age;
}

/** SQL: milliseconds since the table last came up to date. */
function successAge({ tables: { tables } }: StateStore) {
  return sql<number | null>`extract(epoch from clock_timestamp() - ${tables.lastSuccessAt})::float8 * 1000`;
}

function linkOf({ linkKind: kind, link: url, linkPageSize: pageSize }: StoredCheckpoint): Link | null {
  if (url === null || (kind !== 'next' && kind !== 'delta')) return null;
  return { kind, url, ...(pageSize === null ? {} : { pageSize }) };
}

/** A lease that some process may hold. */
export interface Holding {
  /** Null where nobody holds it. */
  readonly holder: string | null;
  /** When the holder took it, by the database's clock. */
  readonly since: Date | null;
  /** Milliseconds since then. */
  readonly age: number;
  /** Milliseconds until it runs out unless it is renewed; 0 where nobody holds it. */
  readonly left: number;
}

/** Who holds the lease of a table. @throws Failure */
export async function readHolding(store: StateStore, table: string): Promise<Holding> {
  const { tables } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({
        holder: tables.leaseHolder,
        since: tables.lastAttemptAt,
        age: sql<
          number | null
        >`extract(epoch from clock_timestamp() - ${tables.lastAttemptAt})::float8 * 1000`,
        left: sql<
          number | null
        >`extract(epoch from ${tables.leaseExpiresAt} - clock_timestamp())::float8 * 1000`,
      })
      .from(tables)
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
  const { holder = null, since = null, age, left } = row ?? {};
  return { holder, since, age: Math.max(0, age ?? 0), left: Math.max(0, left ?? 0) };
}

/**
 * Renews leases that are still held. Rows that are locked by a page under way are passed over: the page
 * renews its own lease when it commits. @throws Failure
 */
export async function renewLeases(
  store: StateStore,
  leases: readonly Lease[],
  duration: number,
): Promise<void> {
  if (leases.length === 0) return;
  const { tables } = store.tables;
  const isOurs = or(...leases.map((lease) => heldBy(store, lease)));
  const { db } = store;
  const held = db
    .select({ table: tables.table })
    .from(tables)
    .where(isOurs)
    .for('no key update', { skipLocked: true });
  await store.statement(async () =>
    db
      .update(tables)
      .set({ leaseExpiresAt: sql`clock_timestamp() + ${interval(duration)}` })
      .where(and(isOurs, inArray(tables.table, held))),
  );
}

/**
 * Gives a lease back, so that the next process need not wait for it, and records requests that no page was
 * stored after.
 *
 * @returns false, without effect, when the lease is lost.
 * @throws Failure
 */
export async function releaseLease(store: StateStore, lease: Lease, requests = 0): Promise<boolean> {
  const { tables } = store.tables;
  const released = await store.statement(async (db) =>
    db
      .update(tables)
      .set({
        leaseHolder: null,
        leaseExpiresAt: null,
        ...addedCounts(store, { requests, idleRequests: 0, changes: 0 }),
      })
      .where(heldBy(store, lease))
      .returning({ table: tables.table }),
  );
  return released.length > 0;
}

/** The condition of the fence: this holder, by this taking of the lease. */
export function heldBy(store: StateStore, lease: Lease) {
  const { tables } = store.tables;
  return and(
    eq(tables.environmentId, store.environmentId),
    eq(tables.table, lease.table),
    eq(tables.leaseHolder, lease.holder),
    eq(tables.fence, lease.fence),
  );
}
