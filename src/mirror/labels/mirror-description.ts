import type pg from 'pg';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import { LABEL_TABLES } from './label-tables.ts';

/** Where an environment's mirror tables and their catalog are. */
export interface MirrorPlace {
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly stateSchema: string;
  readonly environmentId: number;
}

export interface DescribedTarget {
  /** Logical name. */
  readonly table: string;
  readonly id: string | null;
  readonly name: string | null;
}

/** A column of a mirror table: as PostgreSQL has it, with what the catalog and the labels say about it. */
export interface DescribedColumn {
  /** Name in PostgreSQL, unquoted. */
  readonly name: string;
  /** Type, as format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
  /** The name before any shortening; absent where the catalog does not know the column. */
  readonly column?: string;
  readonly attribute?: string;
  /** The type of its values by the catalog, `hash` for example. */
  readonly holds?: string;
  /** AttributeTypeName. */
  readonly attributeType?: string;
  /** The tables that a lookup may point at. */
  readonly targets: readonly DescribedTarget[];
}

/** A mirror table, described from the database alone. */
export interface DescribedTable {
  /** Logical name. */
  readonly table: string;
  /** Name in PostgreSQL, unquoted. */
  readonly identifier: string;
  readonly comment: string | null;
  readonly columns: readonly DescribedColumn[];
  /** Columns that are unique by themselves. */
  readonly uniqueColumns: ReadonlySet<string>;
  /** Whether the labels of the table have been read. */
  readonly labeled: boolean;
}

/** Describes the given tables that are mirrored, by logical name. */
export async function describeMirror(
  client: pg.ClientBase,
  place: MirrorPlace,
  tables: readonly string[],
): Promise<Map<string, DescribedTable>> {
  // Plain queries, joined here: before statistics are gathered, PostgreSQL's plan for joining the columns of
  // 150 tables took 35 s.
  const names = new Map(tables.map((table) => [shortenIdentifier(table), table]));
  const identifiers = [...names.keys()];
  const columns = await readColumns(client, place.schema, identifiers);
  const unique = await uniqueColumns(client, place.schema, identifiers);
  const catalog = await readCatalogued(client, place, tables);
  const labels = await readColumnTypes(client, place.schema, tables);
  const described = new Map<string, DescribedTable & { readonly columns: DescribedColumn[] }>();
  for (const { identifier, table_comment: comment, ...column } of columns) {
    const table = names.get(identifier) ?? identifier;
    const attributes = labels.get(table);
    const entry = described.get(table) ?? {
      table,
      identifier,
      comment,
      columns: [],
      uniqueColumns: unique.get(identifier) ?? new Set(),
      labeled: attributes !== undefined,
    };
    const known = catalog.get(table)?.get(column.name);
    const said = known === undefined ? undefined : attributes?.get(known.column);
    entry.columns.push({ ...column, ...known, targets: [], ...said });
    described.set(table, entry);
  }
  return described;
}

type Column = Pick<DescribedColumn, 'name' | 'type' | 'comment'>;

async function readColumns(
  client: pg.ClientBase,
  schema: string,
  identifiers: readonly string[],
): Promise<(Column & { readonly identifier: string; readonly table_comment: string | null })[]> {
  const { rows } = await client.query<Column & { identifier: string; table_comment: string | null }>(
    `SELECT c.relname AS identifier, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
            obj_description(c.oid, 'pg_class') AS table_comment, col_description(c.oid, a.attnum) AS comment
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p')
      ORDER BY c.relname, a.attnum`,
    [schema, identifiers],
  );
  return rows;
}

type Catalogued = Required<Pick<DescribedColumn, 'column' | 'attribute' | 'holds'>>;

/**
 * Catalog entries by table and name in PostgreSQL. A column that the source no longer has keeps its values
 * and loses everything else.
 */
async function readCatalogued(
  client: pg.ClientBase,
  { stateSchema, environmentId }: MirrorPlace,
  tables: readonly string[],
): Promise<Map<string, Map<string, Catalogued>>> {
  const { rows } = await client.query<Catalogued & { table: string; identifier: string }>(
    `SELECT "table", identifier, "column", attribute, type AS holds
       FROM ${qualifiedName(stateSchema, 'columns')}
      WHERE environment_id = $1 AND "table" = ANY ($2) AND removed_at IS NULL`,
    [environmentId, tables],
  );
  return byTable(rows, ({ identifier, column, attribute, holds }) => [
    identifier,
    { column, attribute, holds },
  ]);
}

type ColumnFacts = Pick<DescribedColumn, 'attributeType' | 'targets'>;

/** What the labels say about each attribute, by table and logical name. */
async function readColumnTypes(
  client: pg.ClientBase,
  schema: string,
  tables: readonly string[],
): Promise<Map<string, Map<string, ColumnFacts>>> {
  const { rows: types } = await client.query<{ table: string; column: string; type: string | null }>(
    `SELECT table_name AS "table", column_name AS "column", attribute_type_name AS type
       FROM ${qualifiedName(schema, LABEL_TABLES.columns.name)} WHERE table_name = ANY ($1)`,
    [tables],
  );
  const { rows: lookups } = await client.query<{ table: string; column: string; targets: DescribedTarget[] }>(
    `SELECT table_name AS "table", column_name AS "column",
            json_agg(json_build_object('table', target_table, 'id', target_id, 'name', target_name)
                     ORDER BY target_table) AS targets
       FROM ${qualifiedName(schema, LABEL_TABLES.lookupTargets.name)} WHERE table_name = ANY ($1) GROUP BY 1, 2`,
    [tables],
  );
  const targets = byTable(lookups, (row) => [row.column, row.targets]);
  return byTable(types, ({ table, column, type }) => [
    column,
    {
      ...(type === null ? {} : { attributeType: type }),
      targets: targets.get(table)?.get(column) ?? [],
    },
  ]);
}

function byTable<R extends { readonly table: string }, T>(
  rows: readonly R[],
  entryOf: (row: R) => readonly [string, T],
): Map<string, Map<string, T>> {
  const result = new Map<string, Map<string, T>>();
  for (const row of rows) {
    const entries = result.get(row.table) ?? new Map<string, T>();
    const [name, value] = entryOf(row);
    entries.set(name, value);
    result.set(row.table, entries);
  }
  return result;
}

async function uniqueColumns(
  client: pg.ClientBase,
  schema: string,
  identifiers: readonly string[],
): Promise<Map<string, Set<string>>> {
  const { rows } = await client.query<{ identifier: string; columns: string[] }>(
    `SELECT c.relname AS identifier, array_agg(a.attname::text) AS columns
       FROM pg_index i
       JOIN pg_class c ON c.oid = i.indrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
      WHERE n.nspname = $1 AND c.relname = ANY ($2) AND i.indisunique AND i.indnkeyatts = 1
        AND i.indpred IS NULL AND i.indisvalid
      GROUP BY c.relname`,
    [schema, identifiers],
  );
  return new Map(rows.map(({ identifier, columns }) => [identifier, new Set(columns)]));
}
