import { Failure } from '../../model/failure.ts';
import type { Table } from '../../model/table.ts';
import { isPostgresError, type PostgresError } from '../connection/sqlstate.ts';
import type { MirrorTable } from '../table/mirror-table.ts';

/** The failure of a filter of rows. @param why in words that go on after "because". */
export function filterRefused(
  { table: { logicalName: table } }: Pick<MirrorTable, 'table'>,
  why: string,
  remedy = `Correct \`rows\` of table ${table}.`,
  details: Readonly<Record<string, unknown>> = {},
): Failure {
  return new Failure({
    code: 'row-filter-refused',
    message: `The filter of rows of table ${table} is refused, because ${why}.`,
    remedy,
    details: { table, ...details },
  });
}

/** Syntax and names (42), what a filter may not contain (0A), literals (22), more than PostgreSQL can read (54). */
const OF_FILTER = /^(?:42|0A|22|54)/;
/** The role may not make a temporary table, which says nothing about the filter. */
const NO_PRIVILEGE = '42501';

/** Whether PostgreSQL refused the text of a filter. */
export function isFilterError(error: unknown): error is PostgresError {
  return isPostgresError(error) && OF_FILTER.test(error.code) && error.code !== NO_PRIVILEGE;
}

/** What a refusal means, by its SQLSTATE. (PostgreSQL manual, appendix A.) */
const RULES: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  '42601': ['it is not one expression of SQL', 'Write one expression, such as `statecode = 0`.'],
  '42804': [
    'it is not a condition that is true or false, or compares values of types that do not fit',
    'Write a condition, such as `statecode = 0`.',
  ],
  '42883': [
    'it uses a function or an operator that PostgreSQL does not have for these types',
    'Look at the types of the columns (`mirrorverse columns`), or cast a value.',
  ],
  '42P17': [
    'its result does not depend on the row alone: PostgreSQL calls one of its functions not immutable, or it names the row as a whole',
    "Compare with fixed values. Write createdon AT TIME ZONE 'UTC' where a date is taken from a time, and name columns one by one.",
  ],
  '0A000': [
    'it has a subquery, a function that returns rows, or a system column',
    'Use columns of the table alone. Other tables are out of reach for a filter.',
  ],
  '42803': ['it has an aggregate', 'A filter looks at one row at a time.'],
  '42P20': ['it has a window function', 'A filter looks at one row at a time.'],
  '42P10': ['it has a system column', 'Use columns of the table alone.'],
  '42P01': ['it names another table', 'Write the names of columns without a table.'],
};

/** The failure of a filter that PostgreSQL refuses. @param statement the text that PostgreSQL read. */
export function refusedByRule(
  mirror: MirrorTable,
  definition: Table,
  error: PostgresError,
  statement: string,
): Failure {
  const { logicalName: table } = mirror.table;
  const { code: sqlstate } = error;
  const name = sqlstate === '42703' ? nameAt(statement, error.position) : undefined;
  if (name !== undefined) return unknownColumn(mirror, definition, name);
  const [why, remedy] = RULES[sqlstate] ?? ['PostgreSQL cannot read it', undefined];
  // Messages of these classes name functions, operators and types. Those of other classes may quote a value.
  const said = /^(?:42|0A)/.test(sqlstate) ? `: ${error.message}` : '';
  return filterRefused(
    mirror,
    `${why} (SQLSTATE ${sqlstate}${said})`,
    remedy === undefined ? undefined : `Correct \`rows\` of table ${table}. ${remedy}`,
    { sqlstate },
  );
}

/** @param name of the column, as the filter writes it. */
function unknownColumn(mirror: MirrorTable, definition: Table, name: string): Failure {
  const { logicalName: table } = mirror.table;
  const isAtSource = definition.columns.some((column) => [column.name, column.attribute].includes(name));
  const details = { sqlstate: '42703', column: name };
  return isAtSource
    ? filterRefused(
        mirror,
        `it names column ${name}, which is not mirrored`,
        `Mirror column ${name} (\`columns\` of table ${table}), or take it out of \`rows\`.`,
        details,
      )
    : filterRefused(
        mirror,
        `table ${table} has no column ${name}`,
        `Correct \`rows\` of table ${table}. It takes the names of the mirror table's columns: \`mirrorverse columns ${table}\`.`,
        details,
      );
}

/** The name that begins at a place of a statement, as PostgreSQL reads it. */
function nameAt(statement: string, position: string | undefined): string | undefined {
  // PostgreSQL counts characters, and a text of JavaScript has two units for some.
  const rest = Array.from(statement)
    .slice(Number(position ?? Number.NaN) - 1)
    .join('');
  const [found] = /^(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\d_$]*)(?!\s*\.)/u.exec(rest) ?? [];
  if (found === undefined) return undefined;
  return found.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : found.toLowerCase();
}
