import type { LocalizedText, TableLabels } from '../../model/option-labels.ts';
import { LABEL_TABLES, type LabelTable } from './label-tables.ts';

/** A row of a label table: values by column. */
export type LabelRow = Readonly<Record<string, string | number | boolean | null>>;

/** The rows of each label table for one Dataverse table, each key once. */
export function labelRows(labels: TableLabels): Record<keyof typeof LABEL_TABLES, LabelRow[]> {
  return {
    choices: distinct(LABEL_TABLES.choices, choiceRows(labels)),
    lookupTargets: distinct(LABEL_TABLES.lookupTargets, targetRows(labels)),
    columns: distinct(LABEL_TABLES.columns, columnRows(labels)),
    columnLabels: distinct(LABEL_TABLES.columnLabels, columnLabelRows(labels)),
    tableLabels: distinct(LABEL_TABLES.tableLabels, tableLabelRows(labels)),
  };
}

function choiceRows({ table, choices }: TableLabels): LabelRow[] {
  return choices.flatMap(({ column, kind, optionSet, isGlobal, options }) =>
    options.flatMap((option, position) =>
      Array.from(option.label, ([language, label]): LabelRow => ({
        table_name: table,
        column_name: column,
        value: option.value,
        language,
        label,
        description: option.description.get(language) ?? null,
        kind,
        option_set: optionSet,
        is_global: isGlobal,
        position,
        color: option.color,
        external_value: option.externalValue,
        state: option.state,
        default_status: option.defaultStatus,
        invariant_name: option.invariantName,
      })),
    ),
  );
}

function targetRows({ table, targets }: TableLabels): LabelRow[] {
  return targets.map((target) => ({
    table_name: table,
    column_name: target.column,
    target_table: target.table,
    target_id: target.idAttribute,
    target_name: target.nameAttribute,
  }));
}

function columnRows({ table, columns }: TableLabels): LabelRow[] {
  return columns.map((column) => ({
    table_name: table,
    column_name: column.name,
    attribute_type: column.attributeType,
    attribute_type_name: column.attributeTypeName,
    attribute_of: column.attributeOf,
    column_number: column.columnNumber,
    metadata_id: column.metadataId,
    precision: column.precision,
    max_length: column.maxLength,
  }));
}

function columnLabelRows({ table, columns }: TableLabels): LabelRow[] {
  return columns.flatMap(({ name, displayName, description }) =>
    languagesOf([displayName, description]).map((language) => ({
      table_name: table,
      column_name: name,
      language,
      display_name: displayName.get(language) ?? null,
      description: description.get(language) ?? null,
    })),
  );
}

function tableLabelRows({ table, displayName, collectionName, description }: TableLabels): LabelRow[] {
  return languagesOf([displayName, collectionName, description]).map((language) => ({
    table_name: table,
    language,
    display_name: displayName.get(language) ?? null,
    collection_name: collectionName.get(language) ?? null,
    description: description.get(language) ?? null,
  }));
}

function languagesOf(texts: readonly LocalizedText[]): number[] {
  return [...new Set(texts.flatMap((text) => [...text.keys()]))];
}

/** The rows as PostgreSQL can hold them; of each key the first one. */
function distinct(table: LabelTable, rows: readonly LabelRow[]): LabelRow[] {
  const byKey = new Map<string, LabelRow>();
  for (const row of rows) {
    const storable: LabelRow = Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'string' ? storableText(value) : value,
      ]),
    );
    const key = JSON.stringify(table.columns.slice(0, table.key).map(([name]) => storable[name]));
    if (!byKey.has(key)) byKey.set(key, storable);
  }
  return [...byKey.values()];
}

/** PostgreSQL's text can hold neither NUL nor half a surrogate pair. */
function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
