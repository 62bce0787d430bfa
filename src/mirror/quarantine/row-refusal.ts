import type { PostgresError } from '../connection/sqlstate.ts';

/** What PostgreSQL says about a refused row without quoting a value: the names are those of the database. */
export type Refusal = Pick<PostgresError, 'code' | 'where' | 'constraint' | 'column'>;

// PostgreSQL's names for the trouble. Its messages quote the value, which must not appear anywhere else.
const CONDITIONS: Readonly<Record<string, string>> = {
  '22003': 'a number out of range',
  '22007': 'no valid date or time',
  '22008': 'a date or time out of range',
  '22021': 'bytes that are no text of its encoding',
  '22P02': 'a value that is not of the type',
  '22P04': 'a malformed line',
  '23502': 'no value where one is required',
  '23503': 'a row it refers to is not there',
  '23505': 'another row has the same value, which a unique index forbids',
  '23514': 'a check constraint forbids it',
  '23P01': 'an exclusion constraint forbids it',
  P0001: 'a trigger forbids it',
  '54000': 'more than PostgreSQL can hold in a row or an index',
};

/** Says why PostgreSQL refused a row, without any of its values. */
export function describeRefusal(error: Refusal): string {
  // Only the column's name is taken from PostgreSQL's context: what follows it quotes the value.
  const column = error.column ?? /^COPY \S+, line \d+, column ([^:]+)/.exec(error.where ?? '')?.[1];
  const what = column === undefined ? 'the row' : `column ${column}`;
  const constraint = error.constraint === undefined ? '' : ` (${error.constraint})`;
  return `PostgreSQL refused ${what}: ${CONDITIONS[error.code] ?? `SQLSTATE ${error.code}`}${constraint}`;
}
