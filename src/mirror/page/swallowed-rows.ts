import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import type { RowId } from '../../model/page.ts';
import { OWN_TRIGGERS } from '../feed/own-triggers.ts';
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

/** A trigger, a rule or a policy of somebody that may keep rows from being written, deleted or seen. */
export interface RowFilter {
  readonly schema: string;
  readonly table: string;
  /**
   * `trigger`: a BEFORE trigger may drop a row, an AFTER trigger may undo the change. `policies`: row
   * security holds for us.
   */
  readonly kind: 'trigger' | 'rule' | 'policies';
  /** Name of the trigger or rule, or of the role that the policies hold for. */
  readonly name: string;
}

/** Fires on INSERT, DELETE or UPDATE, by the bits of pg_trigger.tgtype, and is not off in this session. */
const FIRES = `t.tgtype & 28 <> 0 AND t.tgenabled IN
  ('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)`;

/** Reads the row filters of a schema's tables. @param table one of them; null for all. */
export async function readRowFilters(
  client: pg.ClientBase,
  schema: string,
  table: string | null,
): Promise<RowFilter[]> {
  const { rows } = await client.query<RowFilter & pg.QueryResultRow>(
    `WITH found AS (
       SELECT c.oid, n.nspname AS schema, c.relname AS "table" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND ($2::text IS NULL OR c.relname = $2
           OR c.oid IN (SELECT t.relid FROM pg_partition_tree(to_regclass(format('%I.%I', $1::text, $2::text))) t)))
     SELECT f.schema, f."table", 'trigger' AS kind, t.tgname AS name FROM found f JOIN pg_trigger t ON t.tgrelid = f.oid
      WHERE NOT t.tgisinternal AND t.tgname NOT IN (${OWN_TRIGGERS}) AND ${FIRES}
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
 * Makes deferred triggers and constraints act with each statement of this transaction. What they undo must
 * show before the COMMIT, and of the rows that they refuse only single ones must go to quarantine. A foreign
 * key stays deferred.
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
 * Checks that all staged rows that belong into the mirror table are there, in the transaction that wrote
 * them. It looks only where somebody has a trigger or a rule on the table.
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

/** Checks that deleted rows are gone, or are marked as deleted. @throws Failure `rows-swallowed` */
export async function assertDeleted(
  client: pg.ClientBase,
  mirror: MirrorTable,
  rows: readonly RowId[],
): Promise<void> {
  await assertNone(client, mirror, countUndeleted(mirror), keyParameters(mirror, rows));
}

/** Checks that a sweep left no row, where somebody has a trigger or a rule. @throws Failure `rows-swallowed` */
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

/** The failure of rows that PostgreSQL took without an error and that are not there as they were written. */
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

/** Says how to make rows visible again that policies hide. */
export function remedyForPolicies({ schema, table, name }: RowFilter): string {
  const qualified = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  return `Run as an administrator ALTER TABLE ${qualified} NO FORCE ROW LEVEL SECURITY, if ${quoteIdentifier(name)} owns it (readers keep their policies), or ALTER ROLE ${quoteIdentifier(name)} BYPASSRLS.`;
}

/** The failure of row security that holds for our own role: some rows would be hidden from it. */
export function rowSecurity(filter: RowFilter): Failure {
  return new Failure({
    code: 'row-security',
    message: `Row security of table ${filter.table} holds for role ${filter.name}, which must see and write every row.`,
    remedy: remedyForPolicies(filter),
    details: { table: filter.table },
  });
}

/** SQLSTATEs of statements that meet policies (insufficient_privilege) and rules (feature_not_supported). */
const POLICIES = '42501';
const RULES = '0A000';

/**
 * Explains an error of a statement on a mirror table by the policies or rules that caused it.
 *
 * @param error any. An error that has nothing to do with them comes back as `postgresFailure` gives it.
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

/** The failure of a rule: PostgreSQL refuses ON CONFLICT on a table that has rules. */
export function inTheWay(filter: RowFilter): Failure {
  return new Failure({
    code: 'rows-swallowed',
    message: `${describeFilter(filter)} of table ${filter.table} replaces what is written, so rows would be lost or refused.`,
    remedy: `Drop it: DROP ${describeFilter(filter)} ON ${quoteIdentifier(filter.schema)}.${quoteIdentifier(filter.table)}.`,
    details: { table: filter.table },
  });
}

/**
 * SQL: how many staged rows this transaction should have written and did not. A row that it wrote has the time of
 * this transaction. The statement runs before the keys are remembered, because `overUnseen` reads them.
 */
function countUnwritten(mirror: MirrorTable, { rewrite, overUnseen }: StagedMode): string {
  const keys = keyColumns(mirror);
  return `SELECT count(*)::float8 AS count
      FROM ${staging(mirror)} s LEFT JOIN ${mirror.qualified} m ON ${sameKey(mirror, 's', keys)}
     WHERE m.${keys[0]} IS NULL
        OR (m.${quoteIdentifier(MIRRORED_AT)} IS DISTINCT FROM now() AND ${replaces(mirror, rewrite, overUnseen)})`;
}

/** SQL: how many of the rows whose keys are in `keyParameters` are there and not marked deleted. */
function countUndeleted(mirror: MirrorTable): string {
  return `SELECT count(*)::float8 AS count FROM ${mirror.qualified} m WHERE ${isGiven(mirror)} AND ${isLive(mirror)}`;
}
