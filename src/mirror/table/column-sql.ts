import type { ColumnType } from '../../model/table.ts';

/** How PostgreSQL writes each type, as format_type() prints it. */
export const POSTGRES_TYPE: Readonly<Record<ColumnType, string>> = {
  uuid: 'uuid',
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  // Without precision: the exact text that came survives, whatever the metadata's precision says.
  numeric: 'numeric',
  double: 'double precision',
  boolean: 'boolean',
  integers: 'integer[]',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  date: 'date',
  hash: 'text',
};

/** Their numbers, which are the same on every server. (PostgreSQL, pg_type.dat.) */
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

/** PostgreSQL types that hold every value of another one exactly. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  integer: ['bigint', 'numeric'],
  bigint: ['numeric'],
};

/** Whether a column of a PostgreSQL type can be turned into one of a mirror type without losing anything. */
export function widens(from: string, to: ColumnType): boolean {
  const type = POSTGRES_TYPE[to];
  return type === 'text' || (WIDER[from] ?? []).includes(type);
}
