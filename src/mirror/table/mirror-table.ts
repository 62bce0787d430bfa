import type { Column, Table } from '../../model/table.ts';
import { columnIdentifiers, qualifiedName, quoteIdentifier, shortenIdentifier } from './identifier.ts';

export const MIRRORED_AT = '_mirrored_at';
export const DELETED_AT = '_deleted_at';

/** Tells, in the tables that rows are tried in, whether the filter of a table lets a row in. */
export const IN_FILTER = '_in_filter';

/** Names that no attribute's column can have: our own, and PostgreSQL's system columns. */
const RESERVED = [MIRRORED_AT, DELETED_AT, IN_FILTER, 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];

export interface MirrorColumn extends Column {
  /** Name in PostgreSQL, unquoted. */
  readonly identifier: string;
}

/** Which rows of the source a mirror table has. */
export interface MirrorFilter {
  /** An expression of SQL that is never null, as PostgreSQL wrote it down. It names columns without a table. */
  readonly predicate: string;
  /** The columns that it names, and what is needed beside them to know their values. */
  readonly columns: readonly MirrorColumn[];
}

/** A table's mirror: the same columns, under their names in PostgreSQL. */
export interface MirrorTable {
  readonly table: Table;
  readonly schema: string;
  /** Name in PostgreSQL, unquoted. */
  readonly identifier: string;
  /** Schema and name, quoted. */
  readonly qualified: string;
  readonly columns: readonly MirrorColumn[];
  /** Position of the primary key in `columns`. */
  readonly keyField: number;
  /** Position of the partition, which completes the key; undefined where the table has none. */
  readonly partitionField: number | undefined;
  /** Position of the row version in `columns`; undefined where the table has none. */
  readonly versionField: number | undefined;
  /** Deleted rows stay, marked by `_deleted_at`. */
  readonly softDeletes: boolean;
  /** It has the column `_deleted_at`, and perhaps marked rows. Also where deletes are hard by now. */
  readonly hasMarks: boolean;
  /** Absent: the mirror table has all rows, or nobody has asked PostgreSQL yet what the filter means. */
  readonly filter?: MirrorFilter;
  /** Its rows are distributed over the nodes of a Citus cluster; absent, they are not. */
  readonly distributed?: {
    /** The staging table, which is distributed in the same way, with its schema, quoted. */
    readonly staging: string;
  };
}

export function mirrorTable(
  table: Table,
  schema: string,
  softDeletes: boolean,
  hasMarks = softDeletes,
): MirrorTable {
  const named = withUniqueNames(table.columns);
  const names = columnIdentifiers(
    named.map((column) => column.name),
    RESERVED,
  );
  const columns = named.map((column) => ({ ...column, identifier: names.get(column.name) ?? column.name }));
  const position = (name: string | undefined): number | undefined => {
    const at = columns.findIndex((column) => column.name === name);
    return at === -1 ? undefined : at;
  };
  const identifier = shortenIdentifier(table.logicalName);
  return {
    table,
    schema,
    identifier,
    qualified: qualifiedName(schema, identifier),
    columns,
    keyField: columns.findIndex((column) => column.name === table.key),
    partitionField: position(table.partition),
    versionField: position(table.version),
    softDeletes,
    hasMarks,
  };
}

/** The mirror table with its key, partition and version alone, and what its filter needs. */
export function keysOfMirror(mirror: MirrorTable): MirrorTable {
  const { table, filter, keyField, partitionField, versionField } = mirror;
  const needed = new Set(filter?.columns.map(({ identifier }) => identifier));
  const fields = [...mirror.columns.entries()].flatMap(([field, { identifier }]) =>
    [keyField, partitionField, versionField].includes(field) || needed.has(identifier) ? [field] : [],
  );
  const place = (field: number | undefined): number | undefined => {
    const at = fields.indexOf(field ?? -1);
    return at === -1 ? undefined : at;
  };
  return {
    ...mirror,
    table: { ...table, columns: fields.flatMap((field) => table.columns[field] ?? []) },
    // Not made anew: without the other columns, a column might get another name.
    columns: fields.flatMap((field) => mirror.columns[field] ?? []),
    keyField: fields.indexOf(keyField),
    partitionField: place(partitionField),
    versionField: place(versionField),
  };
}

/** A companion column whose name another attribute has is named by its property. */
function withUniqueNames(columns: readonly Column[]): Column[] {
  const attributes = new Set(
    columns.filter((column) => column.name === column.property).map(({ name }) => name),
  );
  return columns.map((column) =>
    column.name !== column.attribute && column.name !== column.property && attributes.has(column.name)
      ? { ...column, name: column.property }
      : column,
  );
}

/** The quoted name of the column at a position. */
export function columnName(mirror: MirrorTable, field: number): string {
  return quoteIdentifier(mirror.columns[field]?.identifier ?? '');
}

export function columnNames(mirror: MirrorTable): string[] {
  return mirror.columns.map((column) => quoteIdentifier(column.identifier));
}
