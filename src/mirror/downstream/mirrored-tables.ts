import type { Table } from '../../model/table.ts';
import { transaction } from '../connection/postgres.ts';
import type { MirrorDatabase } from '../database.ts';
import { and, eq, isNull } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import { shortenIdentifier } from '../table/identifier.ts';

/** A column of a mirror table, as PostgreSQL has it. */
export interface MirroredColumn {
  /** Name in PostgreSQL, unquoted. */
  readonly name: string;
  /** As SQL takes it: quoted only if it has to be. */
  readonly sql: string;
  /** Type, as format_type() prints it. */
  readonly type: string;
  readonly comment: string | null;
  /** The column's name in the definition; null for columns of our own and for columns that the source removed. */
  readonly column: string | null;
}

/** A table that the state knows, with the mirror table that PostgreSQL has for it. */
export interface MirroredTable {
  /** Logical name. */
  readonly table: string;
  /** Name of the mirror table, unquoted. */
  readonly identifier: string;
  readonly comment: string | null;
  readonly columns: readonly MirroredColumn[];
  /** The definition that the mirror table was last made to fit. */
  readonly definition: Table;
}

/** What readers of a mirror have to know about it. */
export interface MirroredSchema {
  /** Name of the database. */
  readonly database: string;
  readonly tables: readonly MirroredTable[];
}

/**
 * Reads the mirror tables among these from the database alone, by logical name. A table that was never prepared, or
 * that has lost its mirror table, is left out.
 *
 * @throws Failure
 */
export async function readMirroredTables(
  { pool, schema }: MirrorDatabase,
  store: StateStore,
  names: readonly string[],
): Promise<MirroredSchema> {
  const wanted = new Set(names);
  const { definitions, columns: catalog } = store.tables;
  const [defined, catalogued] = await store.transaction(async ({ db }) => [
    await db
      .select({ table: definitions.table, definition: definitions.definition })
      .from(definitions)
      .where(eq(definitions.environmentId, store.environmentId))
      .orderBy(definitions.table),
    await db
      .select({ table: catalog.table, identifier: catalog.identifier, column: catalog.column })
      .from(catalog)
      .where(and(eq(catalog.environmentId, store.environmentId), isNull(catalog.removedAt))),
  ]);
  const known = defined.filter(({ table }) => wanted.has(table));
  const columnOf = new Map(
    catalogued.map(({ table, identifier, column }) => [`${table} ${identifier}`, column]),
  );
  const identifiers = known.map(({ table }) => shortenIdentifier(table));
  return transaction(pool, async (client) => {
    const { rows } = await client.query<Omit<MirroredColumn, 'column'> & ColumnPlace>(
      `SELECT c.relname AS identifier, obj_description(c.oid, 'pg_class') AS table_comment,
              a.attname AS name, quote_ident(a.attname) AS sql, format_type(a.atttypid, a.atttypmod) AS type,
              col_description(c.oid, a.attnum) AS comment
         FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p')
        ORDER BY c.relname, a.attnum`,
      [schema, identifiers],
    );
    const { rows: named } = await client.query<{ database: string }>('SELECT current_database() AS database');
    const tables = known.flatMap(({ table, definition }): MirroredTable[] => {
      const identifier = shortenIdentifier(table);
      const own = rows.filter((row) => row.identifier === identifier);
      const [first] = own;
      if (first === undefined) return [];
      const columns = own.map(({ name, sql, type, comment }) => {
        return { name, sql, type, comment, column: columnOf.get(`${table} ${name}`) ?? null };
      });
      const parsed = JSON.parse(definition) as Table;
      return [{ table, identifier, comment: first.table_comment, columns, definition: parsed }];
    });
    return { database: named[0]?.database ?? '', tables };
  });
}

interface ColumnPlace {
  readonly identifier: string;
  readonly table_comment: string | null;
}
