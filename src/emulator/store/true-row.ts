import type { TableData } from './table-data.ts';
import { valueOf, type WireValue } from './wire-value.ts';

/** A row as a mirror of the table must hold it. */
export interface TrueRow {
  readonly id: string;
  readonly version: bigint;
  readonly values: ReadonlyMap<string, WireValue>;
  /** By property name, the target table of each lookup with several possible targets. */
  readonly lookupTables: ReadonlyMap<string, string>;
}

/** The current rows of a table. */
export function* trueRows(data: TableData): IterableIterator<TrueRow> {
  const { properties } = data;
  for (const row of data.rows.values()) {
    const values = new Map<string, WireValue>();
    for (const [position, property] of properties.entries()) {
      values.set(property, valueOf(row.literals[position] ?? null));
    }
    yield { id: row.id, version: row.version, values, lookupTables: row.lookupTables };
  }
}

/** The exact JSON literal of every property of every row, by the key of the row; null for null. */
export function trueLiterals(data: TableData): Map<string, Map<string, string | null>> {
  const { properties } = data;
  const truth = new Map<string, Map<string, string | null>>();
  for (const row of data.rows.values()) {
    truth.set(row.key, new Map(properties.map((each, position) => [each, row.literals[position] ?? null])));
  }
  return truth;
}
