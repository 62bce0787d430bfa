import type pg from 'pg';
import { Failure } from '../../../model/failure.ts';
import { sleep } from '../../../timing/sleep.ts';
import { transaction } from '../../connection/postgres.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../../connection/strong-lock.ts';
import { renewLeases, type Lease } from '../../lease/leases.ts';
import { forgetSelection, holdFence } from '../../state/checkpoints.ts';
import { mirrorReplaced } from '../../state/remembered-load.ts';
import type { StateStore } from '../../state/store.ts';
import { rememberMirrorTable } from '../found-table.ts';
import {
  columnIdentifiers,
  qualifiedName,
  quoteIdentifier,
  quoteLiteral,
  shortenIdentifier,
} from '../identifier.ts';
import type { MirrorTable } from '../mirror-table.ts';
import { ensureTruncationTrigger } from '../truncation-trigger.ts';
import { carryOver, readCarriedOver } from './carried-over.ts';
import { findMoveBlockers, moveBlocked, readersInTheWay } from './move-blockers.ts';
import { dropUnfinishedMove, movedName } from './moved-table.ts';
import { closePartitions, createPartitions, partitionedBy, partitionNames } from './partition-layout.ts';
import { readShape, type TableShape } from './table-shape.ts';

/** Milliseconds to wait for others who write the table. Only writers queue behind this wait. */
const WRITERS_TIMEOUT = 5_000;
/** Milliseconds that a finished copy waits for readers, before the move is given up for now. */
const PATIENCE = 10 * 60_000;
/** Milliseconds between two tries. Each try keeps new readers waiting for half a second at most. */
const PAUSE = 1_000;

/**
 * Key of an advisory lock that every copy holds and that excludes nobody. By it a move knows the copies of other tables.
 * They have old snapshots too, and read no other table, so no move waits for them.
 */
const MOVE_MARK = [730581322, 5] as const;

/** Makes PostgreSQL write each name with its schema in what it tells of views, triggers and indexes. */
const WHOLE_NAMES = 'SET LOCAL search_path TO pg_catalog, pg_temp';

export interface MoveParts {
  readonly pool: pg.Pool;
  readonly store: StateStore;
  /** The mirror table as it is; the move changes no column. */
  readonly mirror: MirrorTable;
  /** Partitions; null for none. */
  readonly partitions: number | null;
  readonly lease: Lease;
  /** Milliseconds. */
  readonly leaseDuration: number;
  /** As PATIENCE and PAUSE; a test is more hasty. */
  readonly patience?: number;
  readonly pause?: number;
}

/**
 * Moves a mirror table into another number of partitions. Readers go on: they read the old table until the new one has
 * all rows, and the new one from the moment when it takes the name.
 *
 * The rows are copied inside PostgreSQL, because a load would not bring all of them: it lacks rows that are marked
 * deleted, values of columns that the source removed, and the mirror's version of rows in quarantine. The selection is
 * forgotten with the move, so a re-baseline follows, which compares every row with the source.
 *
 * The copy commits first. A transaction that took its snapshot before that would see an empty table, so the copy takes
 * the name only when all such transactions have ended. The lease is held all the time, so nobody else writes.
 *
 * @throws Failure `partition-blocked` if something would be lost, or if readers leave no moment; the table is then as it
 *   was. `lease-lost`, and a failure of PostgreSQL.
 */
export async function movePartitions(parts: MoveParts, signal: AbortSignal): Promise<void> {
  const { pool, mirror, patience = PATIENCE, pause = PAUSE } = parts;
  const copied = await transaction(pool, async (client) => copyRows(client, parts), signal);
  const readers = await transaction(pool, openSnapshots);
  const end = performance.now() + patience;
  while (!(await isSwapped(parts, copied, readers, signal))) {
    if (performance.now() > end) {
      await transaction(pool, async (client) => dropUnfinishedMove(client, mirror));
      throw readersInTheWay(mirror);
    }
    await sleep(pause, signal);
  }
}

/** Copies all rows into a new table beside the mirror table. Readers notice nothing; other writers wait. */
async function copyRows(
  client: pg.PoolClient,
  { store, mirror, partitions, lease, leaseDuration }: MoveParts,
): Promise<TableShape> {
  await client.query(`SELECT pg_advisory_xact_lock_shared(${MOVE_MARK.join(', ')})`);
  await client.query(WHOLE_NAMES);
  const held = await holdFence(store, client, lease, mirror);
  if (!held.isRemembered) throw mirrorReplaced(mirror);
  const blockers = await findMoveBlockers(client, mirror, partitions !== null);
  if (blockers.length > 0) throw moveBlocked(mirror, blockers);
  if (!(await dropUnfinishedMove(client, mirror))) throw readersInTheWay(mirror);
  await endVacuum(client, mirror.qualified);
  await client.query(`SET LOCAL lock_timeout = ${WRITERS_TIMEOUT}`);
  await client.query(`LOCK TABLE ${mirror.qualified} IN SHARE ROW EXCLUSIVE MODE`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
  const shape = await readShape(client, mirror.qualified);
  const name = movedName(mirror);
  const moved = qualifiedName(mirror.schema, name);
  // Indexes of partitions are named by them, so the partitions get their last names at once if these are free.
  const names = await freeNames(client, mirror.schema, partitionNames(mirror.identifier, partitions ?? 0));
  const like = `CREATE TABLE ${moved} (LIKE ${mirror.qualified} INCLUDING ALL EXCLUDING INDEXES)`;
  const made =
    partitions === null
      ? [`${like}${shape.storage}`]
      : [`${like}${partitionedBy(mirror)}`, ...createPartitions(mirror.schema, name, names, shape.storage)];
  for (const statement of made) await client.query(statement);
  await closePartitions(client, moved);
  const columns = shape.columns.join(', ');
  await client.query(
    `INSERT INTO ${moved} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${mirror.qualified}`,
  );
  // Indexes over rows that are there are made faster than row by row.
  for (const [at, { constraint, unique, definition }] of shape.indexes.entries()) {
    const index = quoteIdentifier(movedIndex(mirror, at));
    await client.query(
      constraint === null
        ? `CREATE ${unique} INDEX ${index} ON ${moved} USING ${definition}`
        : `ALTER TABLE ${moved} ADD CONSTRAINT ${index} ${constraint}`,
    );
  }
  if (shape.comment !== null) {
    await client.query(`COMMENT ON TABLE ${moved} IS ${quoteLiteral(shape.comment)}`);
  }
  // The planner knows nothing of the new table, and autovacuum never counts the rows of a partitioned table as a whole.
  await client.query(`ANALYZE ${moved}`);
  // The copy may have taken longer than the lease. The row of the lease is still locked.
  await renewLeases(store.on(client), [lease], leaseDuration);
  return shape;
}

/** Name of an index of the copy until the name of the old index is free. */
function movedIndex(mirror: MirrorTable, at: number): string {
  return shortenIdentifier(`_${mirror.identifier}_moving_i${at}`);
}

/** The transactions of this database that have a snapshot now, by their virtual numbers, which nobody uses twice. */
async function openSnapshots(client: pg.PoolClient): Promise<readonly string[]> {
  const { rows } = await client.query<{ transaction: string }>(
    `SELECT DISTINCT l.virtualtransaction AS transaction FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'virtualxid' AND l.granted AND a.backend_xmin IS NOT NULL AND a.backend_type = 'client backend'
        AND a.datname = current_database() AND a.pid <> pg_backend_pid()`,
  );
  return rows.map(({ transaction: number }) => number);
}

/** Lets the copy take the place of the mirror table if no reader is in the way. @returns whether it has. */
async function isSwapped(
  parts: MoveParts,
  copied: TableShape,
  readers: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await transaction(parts.pool, async (client) => swap(client, parts, copied, readers), signal);
  } catch (error) {
    if (error instanceof Failure && error.details['sqlstate'] === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

const LOCK_NOT_AVAILABLE = '55P03';

async function swap(
  client: pg.PoolClient,
  { store, mirror, lease, partitions }: MoveParts,
  copied: TableShape,
  readers: readonly string[],
): Promise<boolean> {
  const { schema, identifier, qualified } = mirror;
  const held = await holdFence(store, client, lease, mirror);
  if (!held.isRemembered) throw mirrorReplaced(mirror);
  const { rowCount } = await client.query(
    `SELECT FROM pg_locks l WHERE l.virtualtransaction = ANY ($1) AND NOT EXISTS (
       SELECT FROM pg_locks m WHERE m.pid = l.pid AND m.locktype = 'advisory' AND m.classid = ${MOVE_MARK[0]}
          AND m.objid = ${MOVE_MARK[1]} AND m.objsubid = 2) LIMIT 1`,
    [readers],
  );
  if (rowCount !== 0) return false;
  await client.query(WHOLE_NAMES);
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  await client.query(`LOCK TABLE ${qualified} IN ACCESS EXCLUSIVE MODE`);
  const shape = await readShape(client, qualified);
  const blockers = await findMoveBlockers(client, mirror, partitions !== null);
  // Somebody has changed the table since it was copied.
  const isChanged = JSON.stringify(shape) !== JSON.stringify(copied);
  const lost = isChanged ? [...blockers, 'columns or indexes that somebody changed meanwhile'] : blockers;
  if (lost.length > 0) throw moveBlocked(mirror, lost);
  const carried = await readCarriedOver(client, mirror);
  const moved = movedName(mirror);
  const old = shortenIdentifier(`_${identifier}_moved`);
  await client.query(`ALTER TABLE ${qualified} RENAME TO ${quoteIdentifier(old)}`);
  await client.query(`ALTER TABLE ${qualifiedName(schema, moved)} RENAME TO ${quoteIdentifier(identifier)}`);
  await carryOver(client, mirror, carried);
  await client.query(`DROP TABLE ${qualifiedName(schema, old)}`);
  // The names are free now.
  for (const [at, { name, comment }] of copied.indexes.entries()) {
    const index = qualifiedName(schema, name);
    await client.query(
      `ALTER INDEX ${qualifiedName(schema, movedIndex(mirror, at))} RENAME TO ${quoteIdentifier(name)}`,
    );
    if (comment !== null) await client.query(`COMMENT ON INDEX ${index} IS ${quoteLiteral(comment)}`);
  }
  await renamePartitions(client, mirror, partitionNames(identifier, partitions ?? 0));
  await client.query(WITHOUT_LOCK_TIMEOUT);
  await ensureTruncationTrigger(client, store, mirror);
  await rememberMirrorTable(client, store, mirror);
  await forgetSelection(store.on(client), lease);
  return true;
}

/** The names, with a hash where something has one of them, such as a partition that somebody detached. */
async function freeNames(
  client: pg.PoolClient,
  schema: string,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = ANY ($2)`,
    [schema, wanted],
  );
  const taken = rows.map(({ name }) => name);
  const free = columnIdentifiers(wanted, taken);
  return wanted.map((name) => free.get(name) ?? name);
}

/** Gives partitions the names that were not free while the table was copied, because its former partitions had them. */
async function renamePartitions(
  client: pg.PoolClient,
  { schema, qualified }: MirrorTable,
  wanted: readonly string[],
): Promise<void> {
  const names = new Set(await freeNames(client, schema, wanted));
  const { rows } = await client.query<{ name: string; remainder: number }>(
    `SELECT c.relname AS name, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'remainder ([0-9]+)')::int AS remainder
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass`,
    [qualified],
  );
  for (const { name, remainder } of rows) {
    const better = wanted[remainder];
    if (better === undefined || better === name || !names.has(better)) continue;
    await client.query(`ALTER TABLE ${qualifiedName(schema, name)} RENAME TO ${quoteIdentifier(better)}`);
  }
}
