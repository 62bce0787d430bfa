import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { inSavepoint } from '../connection/postgres.ts';
import { isPostgresError, type PostgresError } from '../connection/sqlstate.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { KEPT_TOGETHER } from '../table/ddl-plan.ts';
import { quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';
import { fitColumns, type HistoryColumn } from './history-columns.ts';
import { grantAsMirror } from './history-grants.ts';
import { NOT_KEPT, OWN_COLUMNS, type HistoryPlace } from './history-names.ts';

/** A row with more columns is wide because of their number. Storing its texts apart would not help. */
const MANY_COLUMNS = 100;

/** The SQLSTATE of a type that cannot change, because something is built on the column. */
const FEATURE_NOT_SUPPORTED = '0A000';

/** Reads the columns of the mirror table and of its history, side by side. */
const COLUMNS = `
  SELECT coalesce(m.name, h.name) AS name, m.type, h.type AS kept, m.comment, h.comment AS "keptComment"
    FROM (SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, col_description(a.attrelid, a.attnum) AS comment, a.attnum AS at
            FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped) m
    FULL JOIN (SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, col_description(a.attrelid, a.attnum) AS comment
            FROM pg_attribute a WHERE a.attrelid = to_regclass($2) AND a.attnum > 0 AND NOT a.attisdropped) h USING (name)
   WHERE coalesce(m.name, h.name) NOT IN (${NOT_KEPT}) ORDER BY m.at`;

/** Whether there is a history of a table, or something else that has its name. */
export async function findHistory(
  client: pg.ClientBase,
  { schema, identifier }: HistoryPlace,
): Promise<'ours' | 'other' | 'none'> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT c.relkind IN ('r', 'p') AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
         AND (a.attname, a.atttypid) IN (('_valid_from', 'timestamptz'::regtype), ('_valid_to', 'timestamptz'::regtype),
                                         ('_version', 'bigint'::regtype), ('_deleted', 'boolean'::regtype))) = 4 AS ours
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, identifier],
  );
  const [found] = rows;
  if (found === undefined) return 'none';
  return found.ours ? 'ours' : 'other';
}

/**
 * Makes the history of a table where there is none, and makes its columns fit the mirror table. A column that the mirror
 * table has lost stays.
 *
 * @returns whether the history is new or got other columns, so that its open records may not be as the rows are.
 * @throws Failure `name-taken`
 */
export async function ensureHistory(
  client: pg.ClientBase,
  mirror: MirrorTable,
  place: HistoryPlace,
): Promise<boolean> {
  const { records } = place;
  const found = await findHistory(client, place);
  if (found === 'other') throw nameTaken(place);
  const { rows: columns } = await client.query<HistoryColumn>(COLUMNS, [mirror.qualified, records]);
  if (found === 'none') {
    await createHistory(client, mirror, records, columns);
    return true;
  }
  const statements = fitColumns(records, columns);
  if (statements.length === 0) return false;
  await endVacuum(client, records);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  for (const { sql, otherwise } of statements) {
    const refused = await inSavepoint(client, async () => void (await client.query(sql)), isInUse);
    if (refused !== undefined && otherwise === undefined) throw refused;
    if (refused !== undefined && otherwise !== undefined) await client.query(otherwise);
  }
  await client.query(WITHOUT_LOCK_TIMEOUT);
  return true;
}

/** Whether a view of somebody keeps a column from changing. */
function isInUse(error: unknown): error is PostgresError {
  return isPostgresError(error) && error.code === FEATURE_NOT_SUPPORTED;
}

function nameTaken({ records }: HistoryPlace): Failure {
  return new Failure({
    code: 'name-taken',
    message: `${records} exists already, and is not a history that mirrorverse made.`,
    remedy: `Drop or rename ${records}, or turn history off for this table.`,
  });
}

async function createHistory(
  client: pg.ClientBase,
  mirror: MirrorTable,
  records: string,
  columns: readonly HistoryColumn[],
): Promise<void> {
  const [from, to, version, deleted] = OWN_COLUMNS.map(quoteIdentifier);
  const kept = columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`);
  const storage = columns.length > MANY_COLUMNS ? ` WITH (${KEPT_TOGETHER})` : '';
  const key = columnName(mirror, mirror.keyField);
  const whole =
    mirror.partitionField === undefined
      ? `(${key})`
      : `(${key}, ${columnName(mirror, mirror.partitionField)}) NULLS NOT DISTINCT`;
  // The indexes on closed records leave open ones out. So a record is in one of the two indexes on the key.
  await client.query(
    `CREATE TABLE ${records} (${[...kept, `${from} timestamptz NOT NULL`, `${to} timestamptz`, `${version} bigint`, `${deleted} boolean NOT NULL`].join(', ')})${storage};
     CREATE UNIQUE INDEX ON ${records} ${whole} WHERE _valid_to IS NULL;
     CREATE INDEX ON ${records} (${key}) WHERE _valid_to IS NOT NULL;
     CREATE INDEX ON ${records} (_valid_to) WHERE _valid_to IS NOT NULL`,
  );
  // A publication for all tables would otherwise refuse that a record is closed.
  await client.query(`ALTER TABLE ${records} REPLICA IDENTITY FULL`);
  const comments = columns.map(({ name, comment }): [string, string | null] => [name, comment]);
  for (const [name, comment] of [...comments, ...OWN_COMMENTS]) {
    if (comment === null) continue;
    await client.query(`COMMENT ON COLUMN ${records}.${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`);
  }
  const title = `What ${mirror.table.logicalName} was: one record for each state of each row.`;
  await client.query(`COMMENT ON TABLE ${records} IS ${quoteLiteral(title)}`);
  await grantAsMirror(client, mirror.qualified, records);
}

const OWN_COMMENTS: readonly [name: string, comment: string][] = [
  ['_valid_from', 'When the row came to be so in the mirror.'],
  ['_valid_to', 'When the row came to be otherwise in the mirror; null where it still is so.'],
  ['_version', "The environment's row version from which the record counts."],
  ['_deleted', 'The row is gone, and the other columns say what it was last.'],
];
