import type pg from 'pg';
import { qualifiedName, shortenIdentifier } from '../identifier.ts';
import { LABEL_TABLES } from './label-tables.ts';

/** Where the mirror tables of an environment and their catalog are. */
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

/** A column of a mirror table: as PostgreSQL has it, what the catalog and the labels say of it. */
export interface DescribedColumn {
  /** In PostgreSQL, unquoted. */
  readonly name: string;
  /** As format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
  /** The name before any shortening; absent where the catalog does not know the column. */
  readonly column?: string;
  readonly attribute?: string;
  /** What it holds by the catalog, `hash` for example. */
  readonly holds?: string;
  /** AttributeTypeName. */
  readonly attributeType?: string;
  /** Where a lookup may point at. */
  readonly targets: readonly DescribedTarget[];
}

/** A mirror table as the database alone describes it. */
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

/** Those of the tables that are mirrored, by logical name. */
export async function describeMirror(
  client: pg.ClientBase,
  place: MirrorPlace,
  tables: readonly string[],
): Promise<Map<string, DescribedTable>> {
  const identifiers = tables.map(shortenIdentifier);
  const parameters = [place.schema, place.environmentId, tables, identifiers];
  const { rows } = await client.query<DescribedRow>(describeColumns(place), parameters);
  const unique = await uniqueColumns(client, place.schema, identifiers);
  const described = new Map<string, DescribedTable & { readonly columns: DescribedColumn[] }>();
  for (const row of rows) {
    const { table, identifier } = row;
    const entry = described.get(table) ?? {
      table,
      identifier,
      comment: row.table_comment,
      columns: [],
      uniqueColumns: unique.get(identifier) ?? new Set(),
      labeled: row.labeled,
    };
    entry.columns.push(describedColumn(row));
    described.set(table, entry);
  }
  return described;
}

interface DescribedRow {
  readonly table: string;
  readonly identifier: string;
  readonly table_comment: string | null;
  readonly labeled: boolean;
  readonly name: string;
  readonly type: string;
  readonly comment: string | null;
  readonly column: string | null;
  readonly attribute: string | null;
  readonly holds: string | null;
  readonly attribute_type: string | null;
  readonly targets: DescribedTarget[] | null;
}

function describedColumn(row: DescribedRow): DescribedColumn {
  const { name, type, comment, column, attribute, holds, attribute_type: attributeType } = row;
  return {
    name,
    type,
    comment,
    targets: row.targets ?? [],
    ...(column === null ? {} : { column }),
    ...(attribute === null ? {} : { attribute }),
    ...(holds === null ? {} : { holds }),
    ...(attributeType === null ? {} : { attributeType }),
  };
}

/** $1 schema, $2 environment, $3 logical names, $4 names in PostgreSQL. */
function describeColumns({ schema, stateSchema }: MirrorPlace): string {
  const labels = qualifiedName(schema, LABEL_TABLES.columns.name);
  const targets = qualifiedName(schema, LABEL_TABLES.lookupTargets.name);
  // Columns that the source has no longer are of no attribute: they keep their values and nothing else.
  return `
    SELECT w."table", w.identifier, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           obj_description(c.oid, 'pg_class') AS table_comment, col_description(c.oid, a.attnum) AS comment,
           w.labeled,
           k."column", k.attribute, k.type AS holds, l.attribute_type_name AS attribute_type,
           (SELECT json_agg(json_build_object('table', g.target_table, 'id', g.target_id, 'name', g.target_name)
                            ORDER BY g.target_table)
              FROM ${targets} g WHERE g.table_name = w."table" AND g.column_name = k."column") AS targets
      FROM (SELECT u.*, EXISTS (SELECT FROM ${labels} l WHERE l.table_name = u."table") AS labeled
              FROM unnest($3::text[], $4::text[]) AS u ("table", identifier)) AS w
      JOIN pg_namespace n ON n.nspname = $1
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.identifier AND c.relkind IN ('r', 'p')
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN ${qualifiedName(stateSchema, 'columns')} k
        ON k.environment_id = $2 AND k."table" = w."table" AND k.identifier = a.attname AND k.removed_at IS NULL
      LEFT JOIN ${labels} l ON l.table_name = w."table" AND l.column_name = k."column"
     ORDER BY w."table", a.attnum`;
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
