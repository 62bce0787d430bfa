import type pg from 'pg';
import { quoteIdentifier, quoteLiteral, shortenIdentifier } from '../table/identifier.ts';
import {
  insertStaged,
  stagedKeys,
  stagingName,
  unstage,
  updateStaged,
  type StagedMode,
} from './merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { keyText } from './row-key.ts';
import type { Refusal } from '../quarantine/bad-rows.ts';

/** A staged row that the mirror table refused. */
export interface RefusedRow extends Refusal {
  /** The whole key as text, see `keyText`. */
  readonly key: string;
}

export interface MergedPieces {
  /** Rows that were inserted or updated. */
  readonly written: number;
  readonly refused: readonly RefusedRow[];
}

/** Rows that are tried together first. Where one of them is refused, each is tried by itself. */
const PIECE = 100;

/**
 * Merges the staged rows that the mirror table accepts, after it refused all of them together, and takes them
 * out of staging.
 *
 * The server goes through the rows alone. When the client sent smaller and smaller pieces, each left dead rows behind
 * in staging that every later look read again, so the time grew faster than the number of refused rows.
 *
 * @param most refused rows: the merge stops after more than these.
 */
export async function mergePieces(
  client: pg.PoolClient,
  mirror: MirrorTable,
  mode: StagedMode,
  most: number,
): Promise<MergedPieces> {
  await client.query(createMerge(mirror, mode));
  const { rows } = await client.query<Answer>(`SELECT * FROM ${mergeName(mirror)}($1)`, [most]);
  await client.query(`DROP FUNCTION ${mergeName(mirror)}(integer)`);
  const answers = rows.filter((row): row is RefusedAnswer => row.row_key !== null);
  const names = answers.length === 0 ? NO_NAMES : await namesOf(client, mirror);
  const refused = answers.map(({ row_key: key, row_partition: partition, ...why }) => ({
    key: keyText({ key, partition }),
    ...refusalOf(why, names),
  }));
  return { written: rows.reduce((sum, { written }) => sum + (written ?? 0), 0), refused };
}

interface Answer {
  /** Null in the one line that has `written`. */
  readonly row_key: string | null;
  readonly row_partition: string | null;
  readonly sqlstate: string | null;
  readonly constraint_name: string | null;
  readonly column_name: string | null;
  readonly written: number | null;
}

type RefusedAnswer = Answer & { readonly row_key: string };

/** Names that a refusal may mention. */
export interface Names {
  readonly constraints: ReadonlySet<string>;
  readonly columns: ReadonlySet<string>;
}

const NO_NAMES: Names = { constraints: new Set(), columns: new Set() };

/**
 * Reads the mirror table's own names. A trigger that refuses a row may give any text as its constraint or
 * column, even a value of the row.
 */
export async function namesOf(client: pg.PoolClient, mirror: MirrorTable): Promise<Names> {
  const { rows } = await client.query<{ name: string; is_column: boolean }>(
    `SELECT c.conname AS name, false AS is_column FROM pg_constraint c
      WHERE $1::regclass IN (c.conrelid, c.confrelid)
      UNION ALL SELECT i.relname, false FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
      WHERE x.indrelid = $1::regclass
      UNION ALL SELECT a.attname, true FROM pg_attribute a WHERE a.attrelid = $1::regclass`,
    [mirror.qualified],
  );
  const those = (isColumn: boolean): ReadonlySet<string> =>
    new Set(rows.filter((row) => row.is_column === isColumn).map(({ name }) => name));
  return { constraints: those(false), columns: those(true) };
}

export function refusalOf(
  why: Pick<Answer, 'sqlstate' | 'constraint_name' | 'column_name'>,
  { constraints, columns }: Names,
): Omit<RefusedRow, 'key'> {
  const { constraint_name: constraint, column_name: column } = why;
  return {
    code: why.sqlstate ?? '',
    ...(constraint !== null && constraints.has(constraint) ? { constraint } : {}),
    ...(column !== null && columns.has(column) ? { column } : {}),
  };
}

/** Name of a temporary function: creating one needs no more rights than creating a staging table. */
function mergeName(mirror: MirrorTable): string {
  return `pg_temp.${quoteIdentifier(shortenIdentifier(`merge_${stagingName(mirror)}`))}`;
}

/**
 * Makes PostgreSQL look rows up by their key. It plans the statements once, and where the mirror table was
 * empty then, it would read the whole table for each row.
 */
const LOOK_UP_ROWS = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

/** A statement means a variable of the function by this name, whatever columns a mirror table has. */
const LABEL = 'mirrorverse_merge';

/**
 * Refused rows are tried again as long as other rows are accepted: a row may wait for another row to give up
 * a unique value, or for the row that it refers to.
 */
function createMerge(mirror: MirrorTable, { rewrite, overUnseen }: StagedMode): string {
  const piece = `s.ctid = ANY (${LABEL}.piece)`;
  const refused = `unnest(${LABEL}.refused, ${LABEL}.sqlstates, ${LABEL}.constraints, ${LABEL}.columns)
      AS r(place, sqlstate, constraint_name, column_name)`;
  const body = `
#variable_conflict use_column
<<${LABEL}>>
DECLARE
  rest tid[] := ARRAY(SELECT s.ctid FROM pg_temp.${quoteIdentifier(stagingName(mirror))} s);
  piece tid[];
  place integer;
  size integer;
  single_until integer;
  updated integer;
  inserted integer;
  total integer := 0;
  refused tid[];
  sqlstates text[];
  constraints text[];
  columns text[];
  failed_constraint text;
  failed_column text;
BEGIN
  LOOP
    refused := '{}'; sqlstates := '{}'; constraints := '{}'; columns := '{}';
    place := 1;
    single_until := 0;
    WHILE place <= cardinality(rest) AND cardinality(refused) <= most LOOP
      size := CASE WHEN place <= single_until THEN 1 ELSE ${PIECE} END;
      piece := rest[place : place + size - 1];
      BEGIN
        ${updateStaged(mirror, rewrite, overUnseen, piece)};
        GET DIAGNOSTICS updated = ROW_COUNT;
        ${insertStaged(mirror, rewrite, overUnseen, piece)};
        GET DIAGNOSTICS inserted = ROW_COUNT;
        total := total + updated + inserted;
        place := place + size;
      EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR plpgsql_error THEN
        IF size = 1 THEN
          GET STACKED DIAGNOSTICS failed_constraint = CONSTRAINT_NAME, failed_column = COLUMN_NAME;
          refused := refused || piece;
          sqlstates := sqlstates || SQLSTATE::text;
          constraints := constraints || failed_constraint;
          columns := columns || failed_column;
          place := place + 1;
        ELSE
          single_until := place + size - 1;
        END IF;
      END;
    END LOOP;
    EXIT WHEN cardinality(refused) IN (0, cardinality(rest)) OR cardinality(refused) > most;
    rest := refused;
  END LOOP;
  RETURN QUERY ${stagedKeys(mirror, `${refused} ON s.ctid = r.place`, 'r.sqlstate, r.constraint_name, r.column_name, NULL::integer')};
  ${unstage(mirror, `s.ctid = ANY (${LABEL}.refused)`)};
  RETURN QUERY SELECT NULL, NULL, NULL, NULL, NULL, total;
END`;
  return `CREATE FUNCTION ${mergeName(mirror)}(most integer)
    RETURNS TABLE (row_key text, row_partition text, sqlstate text, constraint_name text, column_name text, written integer)
    LANGUAGE plpgsql ${LOOK_UP_ROWS} AS ${quoteLiteral(body)}`;
}
