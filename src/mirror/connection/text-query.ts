import type pg from 'pg';

/** The answer to a query, as a person reads it. */
export interface TextAnswer {
  readonly columns: readonly string[];
  /** A null is an empty text. */
  readonly rows: readonly (readonly string[])[];
}

/** SQLSTATEs of a table or a column that does not exist: undefined_table, undefined_column, invalid_schema_name. */
const NOT_THERE = new Set<unknown>(['42P01', '42703', '3F000']);

/**
 * Runs a query that reads, and whose columns are texts.
 *
 * @returns undefined if something that the query reads does not exist, perhaps not yet.
 */
export async function readAsText(
  { pool }: { readonly pool: pg.Pool },
  sql: string,
): Promise<TextAnswer | undefined> {
  try {
    const { fields, rows } = await pool.query<(string | null)[]>({ text: sql, rowMode: 'array' });
    const columns = fields.map(({ name }) => name);
    return { columns, rows: rows.map((row) => row.map((cell) => cell ?? '')) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_THERE.has(error.code)) return undefined;
    throw error;
  }
}
