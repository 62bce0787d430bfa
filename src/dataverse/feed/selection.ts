import type { Column, Table } from '../../model/table.ts';

/** The properties that a request names in `$select`; null for a request without `$select`, which brings all. */
export type Selection = readonly string[] | null;

/**
 * Characters of a `$select` at most. A GET may have 32 KB ("Query data using the Web API"), and next links
 * repeat the selection beside a cookie that is encoded three times. With the commas of at most 1,600 columns
 * written as `%2C`, some 9,000 characters are left for the rest.
 */
const LONGEST_SELECT = 20_000;

/** The first choice: every column of the table by name, or no `$select` if the names are too long. */
export function wideSelection(table: Table): Selection {
  const properties = selectable(table).map(({ property }) => property);
  return selectOption(properties).length > LONGEST_SELECT ? null : properties;
}

/**
 * The second choice, if the first has more calculated columns than the environment allows: as many stored
 * columns as fit. Side reads bring the others.
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

/** How many of the first properties fit into a `$select` of `longest` characters. */
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

/** A query string; empty if there are no options. */
export function query(selection: Selection, ...options: readonly string[]): string {
  const all = selection === null ? options : [selectOption(selection), ...options];
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

/** The annotation with the table of a lookup's id. */
export const LOOKUP_ANNOTATION = 'Microsoft.Dynamics.CRM.lookuplogicalname';

/** The preference that asks for annotations. */
export function includeAnnotations(names: readonly string[]): string {
  return `odata.include-annotations="${names.join(',')}"`;
}

/**
 * The selection for which a link was issued. Links are opaque and followed byte for byte. They repeat `$select`,
 * which is documented ("Use change tracking to synchronize data", "Page results"). It is read here and never changed.
 */
export function selectionOfLink(url: string): Selection {
  const value = /[?&](?:\$|%24)select=([^&]*)/i.exec(url)?.[1];
  if (value === undefined) return null;
  const properties = value
    .split(/,|%2C/i)
    .map((property) => decodeURIComponent(property.replaceAll('+', ' ')).trim());
  return properties.includes('*') ? null : properties;
}

/** A member of the source's rows, with the columns that it fills: a lookup also fills the column of its table. */
export interface Member {
  readonly property: string;
  /** Positions in the table's columns. */
  readonly fields: readonly number[];
  readonly calculated: boolean;
}

/** The members that a table's columns need and that a selection leaves out. */
export function omittedMembers(table: Table, selection: Selection): readonly Member[] {
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

/** How many of the selected columns are calculated when they are read. */
export function calculatedColumns(table: Table, selection: Selection): number {
  const selected = selection === null ? undefined : new Set(selection);
  return selectable(table).filter(
    (column) => isCalculated(column) && selected?.has(column.property) !== false,
  ).length;
}

function selectable(table: Table): readonly Column[] {
  return table.columns.filter((column) => column.selectable);
}

/** Whether a column is calculated when it is read. Rollup columns are stored. */
export function isCalculated({ derived }: Column): boolean {
  return derived === 'calculated' || derived === 'formula';
}
