import type { Dataverse } from '../dataverse/dataverse.ts';
import { readLabels } from '../dataverse/metadata/label-reader.ts';
import { POSTGRES_TYPE } from '../mirror/table/column-sql.ts';
import { mirrorTable } from '../mirror/table/mirror-table.ts';
import type { Table } from '../model/table.ts';
import type { TableKind } from '../dataverse/metadata/table-definition.ts';
import type { TableLabels } from '../model/option-labels.ts';
import {
  ALL_COLUMNS,
  excludedBy,
  withSelectedColumns,
  type ColumnSelection,
} from '../sync/tables/table-selection.ts';

/** A column of the mirror table. */
export interface ListedColumn {
  readonly name: string;
  /** As PostgreSQL writes it. */
  readonly type: string;
}

/** One attribute; an entry of `columns --json`. Members may be added; these stay. */
export interface ListedAttribute {
  readonly attribute: string;
  /** AttributeTypeName without its ending, for example `Picklist`. */
  readonly type: string;
  readonly displayName: string | null;
  /** The columns that have its value; empty if it is left out. */
  readonly columns: readonly ListedColumn[];
  /** Codes of the languages that its name or, for a choice, one of its options has a label in. */
  readonly languages: readonly number[];
  /** Why it is left out; null if it is mirrored. */
  readonly leftOut: string | null;
}

/** What `columns --json` prints. */
export interface ColumnList {
  readonly table: string;
  /** `elastic` and `virtual` tables count their row versions themselves. */
  readonly kind: TableKind;
  /** Schema and name of the mirror table, quoted. */
  readonly mirrorTable: string;
  readonly attributes: readonly ListedAttribute[];
}

export interface ColumnWishes {
  readonly name: string;
  readonly columns?: ColumnSelection;
  readonly hashKeyId?: string | undefined;
  readonly softDeletes?: boolean;
}

/** Every attribute of a table, by name, with what the mirror makes of it. @throws Failure */
export async function listColumns(
  { client, metadata }: Dataverse,
  { name, columns: selection = ALL_COLUMNS, hashKeyId, softDeletes = false }: ColumnWishes,
  schema: string,
  signal: AbortSignal,
): Promise<ColumnList> {
  const { table, attributes } = await metadata.described(name, signal);
  const labels = await readLabels(client, metadata, name, signal);
  const mirror = mirrorTable(withSelectedColumns(table, selection, hashKeyId), schema, softDeletes);
  const languages = languagesOf(labels);
  return {
    table: name,
    kind: kindOfTable(table),
    mirrorTable: mirror.qualified,
    attributes: attributes
      .map(({ name: attribute, type, displayName, why }): ListedAttribute => {
        const columns = mirror.columns.filter((column) => column.attribute === attribute);
        const possible = table.columns.find((column) => column.attribute === attribute);
        const by = possible && excludedBy(possible, selection);
        const reason = by === undefined ? (why ?? 'not in columns.include') : `columns.exclude has ${by}`;
        return {
          attribute,
          type,
          displayName: displayName ?? null,
          columns: columns.map((column) => ({ name: column.identifier, type: POSTGRES_TYPE[column.type] })),
          languages: languages(attribute),
          leftOut: columns.length > 0 ? null : reason,
        };
      })
      .toSorted((a, b) => a.attribute.localeCompare(b.attribute)),
  };
}

function kindOfTable({ isVirtual, partition }: Table): TableKind {
  if (isVirtual === true) return 'virtual';
  return partition === undefined ? 'standard' : 'elastic';
}

function languagesOf(labels: TableLabels): (attribute: string) => number[] {
  const names = new Map(labels.columns.map((column) => [column.name, column.displayName]));
  const options = new Map(labels.choices.map((choice) => [choice.column, choice.options]));
  return (attribute) => {
    const texts = [names.get(attribute), ...(options.get(attribute) ?? []).map(({ label }) => label)];
    return [...new Set(texts.flatMap((text) => [...(text?.keys() ?? [])]))].toSorted((a, b) => a - b);
  };
}
