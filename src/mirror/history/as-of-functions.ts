import type pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';
import type { HistoryPlace } from './history-names.ts';

interface AsOfFunction {
  /** Schema and name, quoted. */
  readonly name: string;
  readonly parameter: string;
  readonly type: string;
  readonly body: string;
  readonly comment: string;
}

/**
 * The functions that readers call. PostgreSQL puts their text in place of the call, so a condition on the rows reaches
 * the indexes. PostgreSQL does so only with functions that have no settings and the rights of their caller.
 */
function asOfFunctions(mirror: MirrorTable, { records, asOf, asOfVersion }: HistoryPlace): AsOfFunction[] {
  const ofMoment: AsOfFunction = {
    name: asOf,
    parameter: 'at',
    type: 'timestamptz',
    body: `SELECT h.* FROM ${records} h WHERE h._valid_from <= $1 AND (h._valid_to > $1 OR h._valid_to IS NULL) AND NOT h._deleted`,
    comment: 'The rows that the mirror table had at a moment.',
  };
  // The versions of an elastic table come from a counter of its own, so there is no cut through it and other tables.
  if (mirror.versionField === undefined || mirror.partitionField !== undefined) return [ofMoment];
  const key = columnName(mirror, mirror.keyField);
  const newest = `SELECT DISTINCT ON (h.${key}) h.* FROM ${records} h WHERE h._version <= $1
    ORDER BY h.${key}, h._valid_from DESC, h._valid_to DESC NULLS FIRST, h._version DESC`;
  return [
    ofMoment,
    {
      name: asOfVersion,
      parameter: 'version',
      type: 'bigint',
      body: `SELECT n.* FROM (${newest}) n WHERE NOT n._deleted`,
      comment: 'The rows that the table had at a row version of the environment.',
    },
  ];
}

/** Makes the functions what this version needs. @param client in a transaction. */
export async function ensureAsOfFunctions(
  client: pg.ClientBase,
  mirror: MirrorTable,
  place: HistoryPlace,
): Promise<void> {
  const wanted = asOfFunctions(mirror, place);
  const { rows } = await client.query<{ body: string | null }>(
    `SELECT (SELECT p.prosrc FROM pg_proc p WHERE p.oid = to_regprocedure(w.signature)) AS body
       FROM unnest($1::text[]) WITH ORDINALITY AS w (signature, at) ORDER BY w.at`,
    [wanted.map(({ name, type }) => `${name}(${type})`)],
  );
  for (const [at, { name, parameter, type, body, comment }] of wanted.entries()) {
    if (rows[at]?.body === body) continue;
    await client.query(
      `CREATE OR REPLACE FUNCTION ${name}(${quoteIdentifier(parameter)} ${type}) RETURNS SETOF ${place.records}
         LANGUAGE sql STABLE PARALLEL SAFE AS ${quoteLiteral(body)};
       COMMENT ON FUNCTION ${name}(${type}) IS ${quoteLiteral(comment)}`,
    );
  }
}

/** Drops the functions, before their table goes. */
export async function dropAsOfFunctions(client: pg.ClientBase, place: HistoryPlace): Promise<void> {
  await client.query(
    `DROP FUNCTION IF EXISTS ${place.asOf}(timestamptz); DROP FUNCTION IF EXISTS ${place.asOfVersion}(bigint)`,
  );
}
