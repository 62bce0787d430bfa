import type { Column, Table } from '../../model/table.ts';

/** The properties a request names in `$select`; null where it names none, which brings all of them. */
export type Selection = readonly string[] | null;

/**
 * Characters of a `$select` at most. GET takes 32 KB ("Query data using the Web API"), and next links
 * repeat the selection beside a cookie that is encoded three times: a mirror table has 1,600 columns at
 * most, whose commas a link may write as `%2C`, so some 9,000 characters are left for the rest.
 */
const LONGEST_SELECT = 20_000;

/** The first choice: every column of the table by name, or none where the names are too long. */
export function wideSelection(table: Table): Selection {
  const properties = selectable(table).map(({ property }) => property);
  return selectOption(properties).length > LONGEST_SELECT ? null : properties;
}

/**
 * The second choice, where the first has more calculated columns than the environment allows: the
 * stored columns, as many as fit. What it leaves out is read beside.
 */
export function storedSelection(table: Table): readonly string[] {
  const essential = new Set([table.key, table.partition, table.version]);
  const stored = selectable(table).filter((column) => !isCalculated(column));
  const properties = [
    ...stored.filter(({ name }) => essential.has(name)),
    ...stored.filter(({ name }) => !essential.has(name)),
  ].map(({ property }) => property);
  return properties.slice(0, fitting(properties, LONGEST_SELECT));
}

/** How many properties from the beginning fit into a `$select` of so many characters. */
export function fitting(properties: readonly string[], longest: number): number {
  let length = selectOption([]).length;
  const last = properties.findIndex(
    (property) => (length += encodeURIComponent(property).length + 1) > longest,
  );
  return last === -1 ? properties.length : last;
}

export function selectOption(properties: readonly string[]): string {
  return `$select=${properties.map(encodeURIComponent).join(',')}`;
}

/** A query string; nothing where there are no options. */
export function query(selection: Selection, ...options: readonly string[]): string {
  const all = selection === null ? options : [selectOption(selection), ...options];
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

/**
 * The selection a link was issued for. Links are opaque and followed byte for byte; that they repeat
 * `$select` is documented ("Use change tracking to synchronize data", "Page results"), and it is read,
 * never changed.
 */
export function selectionOfLink(url: string): Selection {
  const value = /[?&](?:\$|%24)select=([^&]*)/i.exec(url)?.[1];
  if (value === undefined) return null;
  const properties = value
    .split(/,|%2C/i)
    .map((property) => decodeURIComponent(property.replaceAll('+', ' ')).trim());
  return properties.includes('*') ? null : properties;
}

/** A member of the source's rows with the columns it fills: a lookup also says which table it is of. */
export interface Member {
  readonly property: string;
  /** Positions in the table's columns. */
  readonly fields: readonly number[];
  readonly calculated: boolean;
}

/** The members a table's columns come from that a selection leaves out. */
export function membersBeside(table: Table, selection: Selection): readonly Member[] {
  if (selection === null) return [];
  const selected = new Set(selection);
  return table.columns.flatMap((column, field) => {
    if (!column.selectable || selected.has(column.property)) return [];
    const annotations = table.columns.flatMap(({ property }, at) =>
      property.startsWith(`${column.property}@`) ? [at] : [],
    );
    return [{ property: column.property, fields: [field, ...annotations], calculated: isCalculated(column) }];
  });
}

/** How many of the selected columns are computed as they are read. */
export function calculatedColumns(table: Table, selection: Selection): number {
  const selected = selection === null ? undefined : new Set(selection);
  return selectable(table).filter(
    (column) => isCalculated(column) && selected?.has(column.property) !== false,
  ).length;
}

function selectable(table: Table): readonly Column[] {
  return table.columns.filter((column) => column.selectable);
}

/** Rollup columns are stored, so reading them costs nothing. */
export function isCalculated({ derived }: Column): boolean {
  return derived === 'calculated' || derived === 'formula';
}
