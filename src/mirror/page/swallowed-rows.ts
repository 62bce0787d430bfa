import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import type { RowId } from '../../model/page.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import {
  countUnseen,
  isGiven,
  isLive,
  keyColumns,
  keyParameters,
  replaces,
  sameKey,
  staging,
  type StagedMode,
} from './merge-sql.ts';
import { MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';
import { transaction } from '../connection/postgres.ts';
import { postgresFailure } from '../connection/sqlstate.ts';

/** What others made of a table that may keep rows from being written, deleted or seen. */
export interface RowFilter {
  readonly schema: string;
  readonly table: string;
  /** `trigger`: one before may drop a row, one after may undo what was done. `policies`: row security holds for us. */
  readonly kind: 'trigger' | 'rule' | 'policies';
  /** Of the trigger or rule; of the role that the policies hold for. */
  readonly name: string;
}

/** On INSERT, DELETE or UPDATE, by the bits of pg_trigger.tgtype, and not off in this session. */
const FIRES = `t.tgtype & 28 <> 0 AND t.tgenabled IN
  ('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)`;

/** Reads what filters rows of the tables of a schema. @param table one of them; all without it. */
export async function readRowFilters(
  client: pg.ClientBase,
  schema: string,
  table: string | null,
): Promise<RowFilter[]> {
  const { rows } = await client.query<RowFilter & pg.QueryResultRow>(
    `WITH found AS (
       SELECT c.oid, n.nspname AS schema, c.relname AS "table" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND ($2::text IS NULL OR c.relname = $2))
     SELECT f.schema, f."table", 'trigger' AS kind, t.tgname AS name FROM found f JOIN pg_trigger t ON t.tgrelid = f.oid
      WHERE NOT t.tgisinternal AND ${FIRES}
     UNION ALL
     SELECT f.schema, f."table", 'rule', r.rulename FROM found f JOIN pg_rewrite r ON r.ev_class = f.oid
      WHERE r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A')
     UNION ALL
     SELECT f.schema, f."table", 'policies', current_user FROM found f WHERE row_security_active(f.oid)
     ORDER BY 1, 2, 3, 4`,
    [schema, table],
  );
  return rows;
}

/**
 * Has triggers and constraints that wait for the COMMIT act with each statement, in this transaction: what
 * they undo must show before, and of what they refuse single rows go to quarantine. A foreign key may wait.
 */
export async function fireAtOnce(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT conname AS name FROM pg_constraint WHERE conrelid = $1::regclass AND condeferrable AND contype <> 'f'`,
    [mirror.qualified],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => qualifiedName(mirror.schema, name));
  await client.query(`SET CONSTRAINTS ${names.join(', ')} IMMEDIATE`);
}

/**
 * Makes sure that all staged rows that should be in the mirror table are there, in the transaction that
 * wrote them. It looks only where somebody has a trigger or a rule on the table.
 *
 * @throws Failure `rows-swallowed`
 */
export async function assertWritten(
  client: pg.ClientBase,
  mirror: MirrorTable,
  mode: StagedMode,
): Promise<void> {
  const filters = await readRowFilters(client, mirror.schema, mirror.identifier);
  if (filters.length > 0) await assertNone(client, mirror, countUnwritten(mirror, mode), []);
}

/** Makes sure that rows are gone which were deleted, or are marked so. @throws Failure `rows-swallowed` */
export async function assertDeleted(
  client: pg.ClientBase,
  mirror: MirrorTable,
  rows: readonly RowId[],
): Promise<void> {
  await assertNone(client, mirror, countUndeleted(mirror), keyParameters(mirror, rows));
}

/** Makes sure that a sweep left no row, where somebody has a trigger or a rule. @throws Failure `rows-swallowed` */
export async function assertSwept(client: pg.ClientBase, mirror: MirrorTable, seen: string): Promise<void> {
  const filters = await readRowFilters(client, mirror.schema, mirror.identifier);
  if (filters.length === 0) return;
  const { rows } = await client.query<{ unseen: number }>(countUnseen(mirror, seen));
  const [{ unseen } = { unseen: 0 }] = rows;
  if (unseen > 0) throw await rowsSwallowed(client, mirror, unseen);
}

async function assertNone(
  client: pg.ClientBase,
  mirror: MirrorTable,
  statement: string,
  parameters: unknown[],
): Promise<void> {
  const { rows } = await client.query<{ count: number }>(statement, parameters);
  const [{ count } = { count: 0 }] = rows;
  if (count > 0) throw await rowsSwallowed(client, mirror, count);
}

/** Rows that PostgreSQL took without an error, and that are not as they were written. */
export async function rowsSwallowed(
  client: pg.ClientBase,
  mirror: MirrorTable,
  count: number,
): Promise<Failure> {
  const filters = await readRowFilters(client, mirror.schema, mirror.identifier);
  const { logicalName: table } = mirror.table;
  const names = filters.map(describeFilter);
  return new Failure({
    code: 'rows-swallowed',
    message: `mirrorverse wrote or deleted ${count} rows of table ${table}, but ${names.join(', ') || 'something'} on ${mirror.qualified} prevents or undoes that. Nothing of the page was committed.`,
    remedy: `Drop it, or change it so that it lets every row through unchanged: a BEFORE trigger returns NEW, or OLD for a deletion. Table ${table} then goes on by itself.`,
    details: { table, rows: count, filters: names },
  });
}

export function describeFilter({ kind, name }: RowFilter): string {
  return kind === 'policies' ? 'row security' : `${kind} ${quoteIdentifier(name)}`;
}

/** How rows are let be seen again that policies hide. */
export function remedyForPolicies({ schema, table, name }: RowFilter): string {
  const qualified = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  return `Run as an administrator ALTER TABLE ${qualified} NO FORCE ROW LEVEL SECURITY, if ${quoteIdentifier(name)} owns it (readers keep their policies), or ALTER ROLE ${quoteIdentifier(name)} BYPASSRLS.`;
}

/** Row security that holds for our own role: some rows would be hidden from it. */
export function rowSecurity(filter: RowFilter): Failure {
  return new Failure({
    code: 'row-security',
    message: `Row security of table ${filter.table} holds for role ${filter.name}, which must see and write every row.`,
    remedy: remedyForPolicies(filter),
    details: { table: filter.table },
  });
}

/** With which PostgreSQL answers to policies (insufficient_privilege) and to rules (feature_not_supported). */
const POLICIES = '42501';
const RULES = '0A000';

/**
 * What a statement on a mirror table failed with, told by the policies or the rules that are to blame.
 *
 * @param error any; what has nothing to do with them comes back as `postgresFailure` has it.
 */
export async function toldByFilters(pool: pg.Pool, mirror: MirrorTable, error: unknown): Promise<unknown> {
  const failure = postgresFailure(error);
  const sqlstate = failure instanceof Failure ? failure.details['sqlstate'] : undefined;
  if (sqlstate !== POLICIES && sqlstate !== RULES) return failure;
  try {
    const read = async (client: pg.PoolClient): Promise<RowFilter[]> =>
      readRowFilters(client, mirror.schema, mirror.identifier);
    const kind = sqlstate === POLICIES ? 'policies' : 'rule';
    const filter = (await transaction(pool, read)).find((found) => found.kind === kind);
    if (filter === undefined) return failure;
    return kind === 'policies' ? rowSecurity(filter) : inTheWay(filter);
  } catch {
    return failure;
  }
}

/** PostgreSQL refuses MERGE and ON CONFLICT on a table that has rules. */
export function inTheWay(filter: RowFilter): Failure {
  return new Failure({
    code: 'rows-swallowed',
    message: `${describeFilter(filter)} of table ${filter.table} replaces what is written, so rows would be lost or refused.`,
    remedy: `Drop it: DROP ${describeFilter(filter)} ON ${quoteIdentifier(filter.schema)}.${quoteIdentifier(filter.table)}.`,
    details: { table: filter.table },
  });
}

/**
 * How many staged rows should have been written by this transaction, and were not. Those that were have
 * its time; before their keys are remembered, for `overUnseen` goes by these.
 */
function countUnwritten(mirror: MirrorTable, { rewrite, overUnseen }: StagedMode): string {
  const keys = keyColumns(mirror);
  return `SELECT count(*)::float8 AS count
      FROM ${staging(mirror)} s LEFT JOIN ${mirror.qualified} m ON ${sameKey(mirror, 's', keys)}
     WHERE m.${keys[0]} IS NULL
        OR (m.${quoteIdentifier(MIRRORED_AT)} IS DISTINCT FROM now() AND ${replaces(mirror, rewrite, overUnseen)})`;
}

/** How many of the rows whose keys are in `keyParameters` are there, and not marked deleted. */
function countUndeleted(mirror: MirrorTable): string {
  return `SELECT count(*)::float8 AS count FROM ${mirror.qualified} m WHERE ${isGiven(mirror)} AND ${isLive(mirror)}`;
}
