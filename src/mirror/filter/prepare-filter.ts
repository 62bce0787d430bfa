import type pg from 'pg';
import type { Table } from '../../model/table.ts';
import { POSTGRES_TYPE } from '../table/column-sql.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { IN_FILTER, type MirrorColumn, type MirrorFilter, type MirrorTable } from '../table/mirror-table.ts';
import { filterRefused, isFilterError, refusedByRule } from './filter-refusal.ts';

/** Oids from here on belong to objects that PostgreSQL was not delivered with. (PostgreSQL, access/transam.h.) */
const FIRST_NORMAL_OID = 16_384;
const AS_CASE = '_as_case';

/** The filter as PostgreSQL has understood it. */
interface Understood extends pg.QueryResultRow {
  readonly predicate: string;
  readonly columns: string[];
  /** Objects of somebody that the filter uses, in PostgreSQL's words. */
  readonly foreign: string[];
}

/**
 * Has PostgreSQL judge the filter of a table, and says what PostgreSQL understood. The judge is an empty temporary table
 * with the columns of the mirror table, which is gone afterwards. Nothing else is written.
 *
 * PostgreSQL refuses what may not stand in a generated column (PostgreSQL manual, "Generated Columns"): a subquery, an
 * aggregate, a window function, a function that returns rows, a function that is not immutable, the row as a whole. It
 * refuses system columns in the predicate of an index. The filter stands in two places of other forms, so a text that
 * is more than one expression fits one of them at most. PostgreSQL's own list of dependencies tells functions, operators
 * and types that somebody made.
 *
 * @param definition all that the source has.
 * @returns undefined for a table that has all rows, or whose rows the environment filters.
 * @throws Failure `row-filter-refused`
 */
export async function prepareFilter(
  client: pg.ClientBase,
  mirror: MirrorTable,
  definition: Table,
): Promise<MirrorFilter | undefined> {
  const { rows: filter } = mirror.table;
  if (filter?.kind !== 'sql') return undefined;
  // A NUL character ends a statement early.
  if (filter.predicate.includes('\0')) throw filterRefused(mirror, 'it has a NUL character');
  // The line breaks end a comment that the text may end with.
  const given = `\n${filter.predicate}\n`;
  // It has the name of the mirror table, so a filter may write `account.statecode` too.
  const probe = `pg_temp.${quoteIdentifier(mirror.identifier)}`;
  const create = createProbe(mirror, probe, given);
  const index = `CREATE INDEX ON ${probe} ((true)) WHERE (${given})`;
  for (const statement of [create, index]) {
    try {
      await client.query(statement);
    } catch (error) {
      if (!isFilterError(error)) throw error;
      throw refusedByRule(mirror, definition, error, statement);
    }
  }
  const { rows } = await client.query<Understood>(readProbe(probe));
  await client.query(`DROP TABLE ${probe}`);
  const [understood] = rows;
  if (understood === undefined) throw new TypeError('The probe has no generated column.');
  const { predicate, columns, foreign } = understood;
  if (foreign.length > 0) {
    throw filterRefused(
      mirror,
      `it uses ${foreign.join(', ')}, and only PostgreSQL's own functions are known to read nothing else`,
    );
  }
  refuseMoments(mirror, filter.predicate, predicate);
  return { predicate, columns: neededColumns(mirror, new Set(columns)) };
}

/** SQL: the probe. The filter decides one generated column as a value, and the other one as a condition. */
function createProbe({ columns }: MirrorTable, probe: string, given: string): string {
  const plain = columns.map(
    ({ identifier, type }) => `${quoteIdentifier(identifier)} ${POSTGRES_TYPE[type]}`,
  );
  const generated = [
    `${quoteIdentifier(IN_FILTER)} boolean GENERATED ALWAYS AS ((${given}) IS TRUE) STORED`,
    `${quoteIdentifier(AS_CASE)} boolean GENERATED ALWAYS AS (CASE WHEN ${given} THEN true ELSE false END) STORED`,
  ];
  return `CREATE TEMPORARY TABLE ${probe.slice('pg_temp.'.length)} (${[...plain, ...generated].join(', ')}) ON COMMIT DROP`;
}

/**
 * SQL: what PostgreSQL has understood. Up to version 14 a generated column itself depends on what its expression names,
 * and later its default does.
 */
function readProbe(probe: string): pg.QueryConfig {
  return {
    text: `WITH used AS (
        SELECT d.adrelid, p.refclassid, p.refobjid, p.refobjsubid
          FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attname = $2
          JOIN pg_depend p ON (p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid)
            OR (p.classid = 'pg_class'::regclass AND p.objid = d.adrelid AND p.objsubid = d.adnum)
         WHERE d.adrelid = $1::regclass)
      SELECT pg_get_expr(d.adbin, d.adrelid) AS predicate,
        ARRAY(SELECT DISTINCT c.attname::text FROM used u JOIN pg_attribute c ON c.attrelid = u.refobjid AND c.attnum = u.refobjsubid
               WHERE u.refclassid = 'pg_class'::regclass AND u.refobjid = d.adrelid AND c.attname <> $2) AS columns,
        ARRAY(SELECT DISTINCT pg_describe_object(u.refclassid, u.refobjid, 0) FROM used u
               WHERE u.refobjid >= $3::oid AND u.refobjid <> d.adrelid
                 AND u.refclassid <> 'pg_namespace'::regclass) AS "foreign"
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
       WHERE d.adrelid = $1::regclass AND a.attname = $2`,
    values: [probe, IN_FILTER, FIRST_NORMAL_OID],
  };
}

/** Words that PostgreSQL takes for a moment as soon as it reads them as a date or time. */
const MOMENT = /'\s*(?:now|today|tomorrow|yesterday)\b/gi;

/**
 * PostgreSQL reads `createdon > 'yesterday'` once, as the day that was yesterday then. Each start of a process would
 * mean another day. If the word was a text, it is still in what PostgreSQL has written down.
 */
function refuseMoments(mirror: MirrorTable, given: string, understood: string): void {
  if (momentsIn(given) <= momentsIn(understood)) return;
  throw filterRefused(
    mirror,
    'it has a word such as now or yesterday, which means another moment each time that PostgreSQL reads it',
    'Write a fixed date. A row matches or does not match by its own values, until it has a new version.',
  );
}

function momentsIn(text: string): number {
  return text.match(MOMENT)?.length ?? 0;
}

/**
 * The columns whose values the filter needs. The column with the table of a lookup is filled by an annotation of the
 * lookup, which comes only if the request names the lookup.
 */
function neededColumns({ columns }: MirrorTable, named: ReadonlySet<string>): MirrorColumn[] {
  const lookups = new Set(
    columns.flatMap(({ identifier, attribute, selectable }) =>
      named.has(identifier) && !selectable ? [attribute] : [],
    ),
  );
  return columns.filter(
    ({ identifier, attribute, selectable }) =>
      named.has(identifier) || (selectable && lookups.has(attribute)),
  );
}
