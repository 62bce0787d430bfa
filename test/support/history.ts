import { qualifiedName } from '../../src/mirror/table/identifier.ts';
import type { TestDatabase } from './database.ts';

/** SQL: the rows of a mirror table that are not marked deleted, each as one text without our own columns. */
async function rowsOf(database: TestDatabase, table: string): Promise<{ columns: string; live: string }> {
  const found = await database.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`,
    [qualifiedName('dataverse', table)],
  );
  const names = found.map(({ name }) => name);
  const columns = names.filter((name) => name !== '_mirrored_at' && name !== '_deleted_at');
  return {
    columns: `ROW(${columns.join(', ')})::text`,
    live: names.includes('_deleted_at') ? 'WHERE _deleted_at IS NULL' : '',
  };
}

/** The rows of a mirror table as they are now, each as one text. */
export async function mirrorRows(database: TestDatabase, table: string): Promise<string[]> {
  const { columns, live } = await rowsOf(database, table);
  const rows = await database.query<{ row: string }>(
    `SELECT ${columns} AS row FROM ${qualifiedName('dataverse', table)} ${live} ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

/** The rows that a history gives for a moment, each as one text. @param at SQL. */
export async function rowsAsOf(database: TestDatabase, table: string, at: string): Promise<string[]> {
  const { columns } = await rowsOf(database, table);
  const rows = await database.query<{ row: string }>(
    `SELECT ${columns} AS row FROM ${qualifiedName('dataverse_history', `${table}_as_of`)}(${at}) ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

/**
 * Rows that mirror table and history do not agree on, if the history of the table is on. Both are read in one snapshot.
 *
 * @param mustBeOn whether it is wrong if the history is not on.
 */
export async function historyDifferences(
  database: TestDatabase,
  table: string,
  mustBeOn: boolean,
): Promise<string[]> {
  const [found] = await database.query<{ on: boolean }>(
    `SELECT count(*) = 3 AS on FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname LIKE 'mirrorverse\\_history\\_%'`,
    [qualifiedName('dataverse', table)],
  );
  if (found?.on !== true) return mustBeOn ? [`${table} has no history`] : [];
  const { columns, live } = await rowsOf(database, table);
  const mirror = `SELECT ${columns} AS row FROM ${qualifiedName('dataverse', table)} ${live}`;
  const history = `SELECT ${columns} FROM ${qualifiedName('dataverse_history', `${table}_as_of`)}(clock_timestamp())`;
  const rows = await database.query<{ text: string }>(
    `(SELECT 'only in the mirror: ' || row AS text FROM (${mirror} EXCEPT ALL ${history}) a)
     UNION ALL (SELECT 'only in the history: ' || row FROM (${history.replace(' FROM', ' AS row FROM')} EXCEPT ALL ${mirror}) b)`,
  );
  return rows.map(({ text }) => `${table}: ${text}`);
}
