import { Failure } from '../../model/failure.ts';
import { fitsPattern } from '../../model/name-pattern.ts';
import type { RowFilter, Column, Table } from '../../model/table.ts';
import { tellsImage, type FileWish } from '../../model/files/file-column.ts';

/** Which attributes of a table are mirrored, by logical names and patterns. */
export interface ColumnSelection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly hash: readonly string[];
  /** Columns whose bodies are fetched; absent: none. They bring what tells one image from the next. */
  readonly files?: FileWish;
}

export const ALL_COLUMNS: ColumnSelection = { include: ['*'], exclude: [], hash: [] };

/**
 * The table with its selected columns. Key, version and partition are always among them.
 *
 * @param hashKeyId identifies the hash key in use.
 * @throws Failure `column-needed` if the key, version or partition is excluded or hashed by its name.
 */
export function withSelectedColumns(
  table: Table,
  selection: ColumnSelection,
  hashKeyId: string | undefined,
): Table {
  const needed = [table.key, table.version, table.partition].filter((name) => name !== undefined);
  refuse(table, 'exclude', selection.exclude, needed);
  refuse(table, 'hash', selection.hash, needed);
  const columns = table.columns
    .filter((column) => needed.includes(column.name) || isWanted(column, selection, table))
    .map((column) =>
      needed.includes(column.name) || !column.selectable || !fitsAny(column, selection.hash)
        ? column
        : hashed(column, hashKeyId),
    );
  return { ...table, columns };
}

/** What of a table is mirrored, as the configuration says. */
export interface PartWishes {
  readonly columns: ColumnSelection;
  /** Tells the hash key in use from any other; absent where there is none. */
  readonly hashKeyId?: string | undefined;
  /** Which rows; absent: all. */
  readonly rows?: RowFilter;
}

/** The part of a table that is mirrored: its selected columns, and the filter of its rows. @throws Failure `column-needed` */
export function mirroredPart(table: Table, { columns, hashKeyId, rows }: PartWishes): Table {
  const selected = withSelectedColumns(table, columns, hashKeyId);
  return rows === undefined ? selected : { ...selected, rows };
}

/**
 * The selection that the configuration has for a table, whether the table is mirrored just now or not: that of the entry
 * with its name, else that of the last pattern that fits. Undefined where no entry is about the table.
 */
export function selectionFor(
  entries: readonly { readonly name: string; readonly columns: ColumnSelection }[],
  table: string,
): ColumnSelection | undefined {
  const named = entries.find(({ name }) => name === table);
  return (named ?? entries.findLast(({ name }) => fitsPattern(table, name)))?.columns;
}

/** The names in a selection that are no attribute of the table. Patterns do not count, because they may fit nothing. */
export function unknownNames(table: Table, selection: ColumnSelection): string[] {
  const attributes = new Set(table.columns.map((column) => column.attribute));
  return [...selection.include, ...selection.exclude, ...selection.hash].filter(
    (name) => !/[*?]/.test(name) && !attributes.has(name),
  );
}

function isWanted(column: Column, selection: ColumnSelection, table: Table): boolean {
  const { include, files } = selection;
  if (excludedBy(column, selection) === undefined && tellsImage(column, table, files)) return true;
  // `*` does not bring what is left out by default. Another pattern or a name must fit it.
  const patterns = column.onRequest === true ? include.filter((pattern) => pattern !== '*') : include;
  return fitsAny(column, patterns) && excludedBy(column, selection) === undefined;
}

/** The pattern that leaves a column out; undefined if none does. */
export function excludedBy({ attribute }: Column, { exclude }: ColumnSelection): string | undefined {
  return exclude.find((pattern) => fitsPattern(attribute, pattern));
}

function fitsAny(column: Column, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => fitsPattern(column.attribute, pattern));
}

function hashed(column: Column, hashKeyId: string | undefined): Column {
  return { ...column, type: 'hash', ...(hashKeyId === undefined ? {} : { hashKeyId }) };
}

function refuse(table: Table, key: string, names: readonly string[], needed: readonly string[]): void {
  const found = names.filter((name) => needed.includes(name));
  if (found.length === 0) return;
  throw new Failure({
    code: 'column-needed',
    message: `Table ${table.logicalName} cannot be mirrored without its column ${found.join(', ')}.`,
    remedy: `Take ${found.join(', ')} out of columns.${key} of table ${table.logicalName}.`,
    details: { table: table.logicalName },
  });
}
