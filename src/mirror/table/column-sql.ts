import type { ColumnType } from '../../model/table.ts';

/** How PostgreSQL writes each type, as format_type() prints it. */
export const POSTGRES_TYPE: Readonly<Record<ColumnType, string>> = {
  uuid: 'uuid',
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  // Without precision: the number stays exactly as it came, whatever precision the metadata gives.
  numeric: 'numeric',
  double: 'double precision',
  boolean: 'boolean',
  integers: 'integer[]',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  date: 'date',
  hash: 'text',
};

/** PostgreSQL's numbers of the types, which are the same on every server. (PostgreSQL, pg_type.dat.) */
export const POSTGRES_OID: Readonly<Record<ColumnType, number>> = {
  uuid: 2950,
  text: 25,
  integer: 23,
  bigint: 20,
  numeric: 1700,
  double: 701,
  boolean: 16,
  integers: 1007,
  timestamptz: 1184,
  timestamp: 1114,
  date: 1082,
  hash: 25,
};

/** For each PostgreSQL type, the types that hold all its values exactly. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  integer: ['bigint', 'numeric'],
  bigint: ['numeric'],
};

/** Whether a column of a PostgreSQL type can become one of a mirror type without losing anything. */
export function widens(from: string, to: ColumnType): boolean {
  return isWider(POSTGRES_TYPE[to], from);
}

/** Whether a PostgreSQL type holds all values of another one. */
export function isWider(type: string, from: string): boolean {
  return type === 'text' || (WIDER[from] ?? []).includes(type);
}
