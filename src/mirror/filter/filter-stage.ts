import type pg from 'pg';
import type { PageRows } from '../../model/page.ts';
import type { PostgresError } from '../connection/sqlstate.ts';
import { copyLines, withStorable } from '../copy/copy.ts';
import { toCopyText } from '../copy/copy-text.ts';
import { KEPT_TOGETHER } from '../table/ddl-plan.ts';
import { keyColumns, sameKey } from '../page/merge-sql.ts';
import type { LookupColumns } from '../page/lacking-rows.ts';
import { keyText } from '../page/row-key.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { POSTGRES_TYPE } from '../table/column-sql.ts';
import { quoteIdentifier, shortenIdentifier } from '../table/identifier.ts';
import {
  columnName,
  IN_FILTER,
  type MirrorColumn,
  type MirrorFilter,
  type MirrorTable,
} from '../table/mirror-table.ts';

/** A row that PostgreSQL cannot try, and why: the filter divides by zero, or a value is none of its column. */
export interface UntriedRow {
  readonly row: number;
  readonly error: PostgresError;
}

/** Which rows of a page the filter of their table keeps out. */
export interface Filtered {
  /** Rows outside of the filter, by number. Null counts as outside, as WHERE takes it. */
  readonly outside: ReadonlySet<number>;
  readonly untried: readonly UntriedRow[];
}

/** What is tried, and how. */
export interface Trial {
  readonly page: PageRows;
  /** Of the page's rows, in their order. */
  readonly keys: readonly (string | null)[];
  /** Rows that are not tried. No two of the others have one key, and each has a key. */
  readonly skip: ReadonlySet<number>;
  readonly policy: RowPolicy;
  /** What happens to the temporary table. */
  readonly onCommit: 'DELETE ROWS' | 'DROP';
  /** Lookups that came without their table in some rows: the mirror's counts then, as it does when the row is stored. */
  readonly untyped?: readonly LookupColumns[];
}

/** SQL: whether the filter keeps the tried row `s` out. */
export const IS_OUTSIDE = `NOT s.${quoteIdentifier(IN_FILTER)}`;

/** What a filter is tried with: the columns that it needs, and where a page has their values. */
interface TriedColumns {
  readonly columns: readonly MirrorColumn[];
  readonly fields: readonly number[];
}

/** Name of the table in which rows are tried: a temporary one for each connection and mirror table. */
function stageName(mirror: MirrorTable): string {
  return shortenIdentifier(`filter_${mirror.identifier}`);
}

/** The table, with its schema, quoted. */
export const stage = (mirror: MirrorTable): string => `pg_temp.${quoteIdentifier(stageName(mirror))}`;

/**
 * Tries the rows of a page: their keys, versions and the columns that the filter names go into a temporary table, where
 * a generated column has PostgreSQL's answer. What the page has beside them does not matter, so a row outside of the
 * filter is outside also if it could never be stored.
 *
 * The table keeps the rows until the transaction ends: see leaving-rows.ts.
 */
export async function tryRows(
  client: pg.PoolClient,
  mirror: MirrorTable,
  filter: MirrorFilter,
  { page, keys, skip, policy, onCommit, untyped = [] }: Trial,
): Promise<Filtered> {
  const tried = triedColumns(mirror, filter);
  await client.query(createStage(mirror, filter, tried, onCommit));
  const copyText = toCopyText(withFields(page, tried.fields), tried.columns, { skip, policy });
  const names = tried.columns.map(({ identifier }) => quoteIdentifier(identifier)).join(', ');
  const statement = `COPY ${stage(mirror)} (${names}) FROM STDIN`;
  const untried: UntriedRow[] = [];
  await withStorable(
    client,
    Array.from(copyText.rows.keys()),
    async (lines) => copyLines(client, statement, copyText, lines),
    (line, error) => untried.push({ row: copyText.rows[line] ?? 0, error }),
  );
  for (const lookup of untyped) await keepKnownType(client, mirror, tried, lookup);
  const rowOf = new Map<string | null, number>();
  for (const [row, key] of keys.entries()) if (!skip.has(row)) rowOf.set(key, row);
  const [key, partition] = keyColumns(mirror);
  const { rows } = await client.query<{ key: string; partition: string | null }>(
    `SELECT s.${key}::text AS key, ${partition === undefined ? 'NULL' : `s.${partition}`} AS partition
       FROM ${stage(mirror)} s WHERE ${IS_OUTSIDE}`,
  );
  const outside = new Set(rows.flatMap((id) => rowOf.get(keyText(id)) ?? []));
  return { outside, untried };
}

/** Drops the temporary table, before its connection serves somebody else. */
export async function dropStage(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS ${stage(mirror)}`);
}

/** SQL: the temporary table, empty, with the types that the filter was judged with. */
function createStage(
  mirror: MirrorTable,
  filter: MirrorFilter,
  { columns }: TriedColumns,
  onCommit: 'DELETE ROWS' | 'DROP',
): string {
  const plain = columns.map(
    ({ identifier, type }) => `${quoteIdentifier(identifier)} ${POSTGRES_TYPE[type]}`,
  );
  const answer = `${quoteIdentifier(IN_FILTER)} boolean GENERATED ALWAYS AS (${filter.predicate}) STORED`;
  return `CREATE TEMPORARY TABLE IF NOT EXISTS ${quoteIdentifier(stageName(mirror))} (${[...plain, answer].join(', ')})
      WITH (${KEPT_TOGETHER}) ON COMMIT ${onCommit};
    DELETE FROM ${stage(mirror)}`;
}

function triedColumns(mirror: MirrorTable, { columns }: MirrorFilter): TriedColumns {
  const needed = new Set(columns.map(({ identifier }) => identifier));
  const always = new Set([mirror.keyField, mirror.partitionField, mirror.versionField]);
  const fields = [...mirror.columns.keys()].filter(
    (field) => always.has(field) || needed.has(mirror.columns[field]?.identifier ?? ''),
  );
  return { fields, columns: fields.flatMap((field) => mirror.columns[field] ?? []) };
}

/** The page with these fields alone. */
function withFields(page: PageRows, fields: readonly number[]): PageRows {
  const width = fields.length;
  const cells = new Int32Array(2 * page.rows * width);
  let to = 0;
  for (let row = 0; row < page.rows; row++) {
    for (const field of fields) {
      const from = 2 * (row * page.width + field);
      cells[to++] = page.cells[from] ?? 0;
      cells[to++] = page.cells[from + 1] ?? 0;
    }
  }
  return { bytes: page.bytes, width, rows: page.rows, cells };
}

/** Gives tried rows that came without a lookup's table the one that the mirror has for the same id. */
async function keepKnownType(
  client: pg.ClientBase,
  mirror: MirrorTable,
  { fields }: TriedColumns,
  { id, type }: LookupColumns,
): Promise<void> {
  if (!fields.includes(type)) return;
  const [idName, typeName] = [columnName(mirror, id), columnName(mirror, type)];
  await client.query(
    `UPDATE ${stage(mirror)} s SET ${typeName} = m.${typeName} FROM ${mirror.qualified} m
      WHERE ${sameKey(mirror, 's', keyColumns(mirror))}
        AND s.${typeName} IS NULL AND m.${typeName} IS NOT NULL AND s.${idName} = m.${idName}`,
  );
}
