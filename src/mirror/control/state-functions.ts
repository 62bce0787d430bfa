import type pg from 'pg';
import { qualifiedName, quoteLiteral } from '../table/identifier.ts';

/** A function of the state schema. No two have the same name. */
export interface StateFunction {
  readonly name: string;
  /** Types of its arguments, as GRANT names them. */
  readonly types: string;
  readonly parameters: string;
  readonly returns: string;
  readonly language: 'sql' | 'plpgsql';
  /** SQL: more settings of the function, each with SET. */
  readonly settings?: string;
  readonly body: string;
}

/**
 * Makes the functions what this version needs, in the caller's transaction. They are not in a migration: their text
 * names the state schema, and a schema that was renamed or restored under another name gets them anew.
 */
export async function ensureStateFunctions(
  client: pg.ClientBase,
  stateSchema: string,
  wanted: readonly StateFunction[],
): Promise<void> {
  const { rows } = await client.query<{ name: string; body: string }>(
    `SELECT p.proname AS name, p.prosrc AS body FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = $1 AND p.proname = ANY ($2)`,
    [stateSchema, wanted.map(({ name }) => name)],
  );
  const there = new Map(rows.map(({ name, body }) => [name, body]));
  for (const { name, types, parameters, returns, language, settings = '', body } of wanted) {
    if (there.get(name) === body) continue;
    const qualified = qualifiedName(stateSchema, name);
    // The functions have the rights of their owner, so nothing of the caller's search_path may decide what they call.
    await client.query(
      `CREATE OR REPLACE FUNCTION ${qualified}(${parameters}) RETURNS ${returns} LANGUAGE ${language}
         SECURITY DEFINER SET search_path = pg_catalog, pg_temp ${settings} AS ${quoteLiteral(body)};
       REVOKE ALL ON FUNCTION ${qualified}(${types}) FROM PUBLIC`,
    );
  }
}
