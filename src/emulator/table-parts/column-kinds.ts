import type { AttributeKind } from '../definitions/attribute-kind.ts';
import type { Column, DateTimeBehavior } from '../definitions/column.ts';
import type { BilingualText, LocalizedText } from '../definitions/metadata-members.ts';
import type { Option, OptionSet } from '../definitions/option-set.ts';

/** What a table file may say about a column beyond its kind, schema name and label. */
export type ColumnExtras = Partial<Omit<Column, 'kind' | 'schemaName' | 'displayName'>>;

/** A column of any kind with the defaults of an ordinary readable one. */
export function column(
  kind: AttributeKind,
  schemaName: string,
  displayName: LocalizedText | null,
  extras: ColumnExtras = {},
): Column {
  return {
    logicalName: schemaName.toLowerCase(),
    schemaName,
    kind,
    displayName,
    description: null,
    attributeOf: null,
    isValidForRead: true,
    isValidODataAttribute: true,
    isInherited: false,
    isPrimaryId: false,
    isPrimaryName: false,
    isCustom: schemaName.startsWith('new_'),
    isLogical: false,
    isSecured: false,
    requiredLevel: 'None',
    sourceType: 0,
    maxLength: null,
    format: null,
    minValue: null,
    maxValue: null,
    precision: null,
    calculationOf: null,
    behavior: null,
    targets: [],
    optionSet: null,
    ...extras,
  };
}

export function text(
  schemaName: string,
  label: LocalizedText,
  maxLength = 100,
  extras: ColumnExtras = {},
): Column {
  return column('String', schemaName, label, { maxLength, format: 'Text', ...extras });
}

export function memo(schemaName: string, label: LocalizedText, extras: ColumnExtras = {}): Column {
  return column('Memo', schemaName, label, { maxLength: 1_048_576, format: 'TextArea', ...extras });
}

export function integer(schemaName: string, label: LocalizedText, extras: ColumnExtras = {}): Column {
  return column('Integer', schemaName, label, {
    minValue: '-2147483648',
    maxValue: '2147483647',
    format: 'None',
    ...extras,
  });
}

export function bigInt(schemaName: string, label: LocalizedText, extras: ColumnExtras = {}): Column {
  return column('BigInt', schemaName, label, {
    minValue: '-9223372036854775808',
    maxValue: '9223372036854775807',
    sourceType: null,
    ...extras,
  });
}

export function decimal(
  schemaName: string,
  label: LocalizedText,
  precision = 2,
  extras: ColumnExtras = {},
): Column {
  return column('Decimal', schemaName, label, {
    minValue: '-100000000000',
    maxValue: '100000000000',
    precision,
    ...extras,
  });
}

export function double(schemaName: string, label: LocalizedText, extras: ColumnExtras = {}): Column {
  return column('Double', schemaName, label, {
    minValue: '-100000000000.0',
    maxValue: '100000000000.0',
    precision: 5,
    sourceType: null,
    ...extras,
  });
}

/** A money column and its twin in the base currency of the organization. */
export function money(schemaName: string, label: BilingualText, extras: ColumnExtras = {}): Column[] {
  const limits = { minValue: '-922337203685477.0', maxValue: '922337203685477.0', precision: 2 };
  return [
    column('Money', schemaName, label, { ...limits, ...extras }),
    column('Money', `${schemaName}_Base`, [`${label[0]} (Base)`, `${label[1]} (Basis)`], {
      ...limits,
      precision: 4,
      calculationOf: schemaName.toLowerCase(),
    }),
  ];
}

export function dateTime(
  schemaName: string,
  label: LocalizedText,
  behavior: DateTimeBehavior = 'UserLocal',
  extras: ColumnExtras = {},
): Column {
  const format = behavior === 'DateOnly' ? 'DateOnly' : 'DateAndTime';
  return column('DateTime', schemaName, label, { behavior, format, ...extras });
}

export function guid(schemaName: string, label: LocalizedText, extras: ColumnExtras = {}): Column {
  return column('Uniqueidentifier', schemaName, label, { sourceType: null, ...extras });
}

export function lookup(
  schemaName: string,
  label: LocalizedText,
  targets: readonly string[],
  extras: ColumnExtras = {},
): Column {
  return column('Lookup', schemaName, label, { targets, format: 'None', sourceType: null, ...extras });
}

export function customer(schemaName: string, label: LocalizedText): Column {
  return column('Customer', schemaName, label, {
    targets: ['account', 'contact'],
    format: 'None',
    sourceType: null,
  });
}

export function bool(
  table: string,
  schemaName: string,
  label: LocalizedText,
  words: readonly [LocalizedText, LocalizedText] = [
    ['No', 'Nein'],
    ['Yes', 'Ja'],
  ],
): Column {
  const options = [
    { value: 0, label: words[0] },
    { value: 1, label: words[1] },
  ];
  return column('Boolean', schemaName, label, {
    optionSet: localSet(table, schemaName, label, 'Boolean', options),
  });
}

export function choice(
  table: string,
  schemaName: string,
  label: LocalizedText,
  options: readonly Option[],
): Column {
  return column('Picklist', schemaName, label, {
    optionSet: localSet(table, schemaName, label, 'Picklist', options),
  });
}

export function globalChoice(schemaName: string, label: LocalizedText, optionSet: OptionSet): Column {
  return column('Picklist', schemaName, label, { optionSet });
}

export function choices(schemaName: string, label: LocalizedText, optionSet: OptionSet): Column {
  return column('MultiSelectPicklist', schemaName, label, { optionSet });
}

/** An option set that belongs to one column. */
export function localSet(
  table: string,
  schemaName: string,
  displayName: LocalizedText,
  type: OptionSet['type'],
  options: readonly Option[],
): OptionSet {
  return { name: `${table}_${schemaName.toLowerCase()}`, isGlobal: false, type, displayName, options };
}
