import type { TrueRow } from '../../../src/emulator/store/true-row.ts';
import type { Source } from './source-changes.ts';

/** A filter of rows of the driver: what the configuration says, and the same in the words of a test. */
export interface DriverFilter {
  readonly rows: string;
  readonly isInside: (row: TrueRow) => boolean;
  /** It looks at a value that a poisoned row has, so PostgreSQL cannot try such a row. */
  readonly looksAtPoison: boolean;
}

function nameLength({ values }: TrueRow): number | undefined {
  const name = values.get('new_name');
  return typeof name === 'string' ? Array.from(name).length : undefined;
}

/** The first is none. The others let rows in and out with nearly every change. */
export const DRIVER_FILTERS: readonly (DriverFilter | undefined)[] = [
  undefined,
  {
    rows: 'length(new_name) % 2 = 0',
    isInside: (row) => (nameLength(row) ?? 1) % 2 === 0,
    looksAtPoison: true,
  },
  {
    rows: 'versionnumber % 3 <> 1',
    isInside: ({ version }) => version % 3n !== 1n,
    looksAtPoison: false,
  },
  {
    rows: `versionnumber % 2 = 0 OR new_name LIKE 'updated%'`,
    isInside: ({ version, values }) =>
      version % 2n === 0n || JSON.stringify(values.get('new_name') ?? null).startsWith('"updated'),
    looksAtPoison: true,
  },
];

/** The filters of the tables of a scenario, as they are now. */
export type DriverFilters = ReadonlyMap<string, DriverFilter>;

/** Whether the mirror of a table is to have a row. */
export function isMeant(filters: DriverFilters, table: string): (row: TrueRow) => boolean {
  return filters.get(table)?.isInside ?? (() => true);
}

/** Keys of the rows that belong into quarantine. */
export function quarantinedRows(filters: DriverFilters, source: Source, table: string): Set<string> {
  const filter = filters.get(table);
  const rows = source.poisoned(table);
  const isRefused = (row: TrueRow): boolean =>
    filter === undefined || filter.looksAtPoison || filter.isInside(row);
  return new Set(rows.filter(isRefused).map(({ id }) => id));
}
