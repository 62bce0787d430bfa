import { baseMembers, derivedMembers } from '../metadata/attribute-metadata.ts';
import type { Column, DateTimeBehavior } from '../definitions/column.ts';
import { numberText } from '../metadata/exact-json.ts';
import type { OptionSet } from '../definitions/option-set.ts';
import { recordedMembers, membersOf, numberOf, textOf, recordedLabel, type Members } from './members.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { recordedKind } from './recorded-kind.ts';

const BEHAVIORS: readonly DateTimeBehavior[] = ['UserLocal', 'DateOnly', 'TimeZoneIndependent'];
const LEVELS: readonly Column['requiredLevel'][] = [
  'None',
  'SystemRequired',
  'ApplicationRequired',
  'Recommended',
];
const SOURCES: readonly NonNullable<Column['sourceType']>[] = [0, 1, 2, 3];

/** A column from a live attribute and its option set. */
export function recordedColumn(
  table: TableDefinition,
  live: Members,
  optionSet: OptionSet | null,
  isInherited: boolean,
): Column {
  const column = modelledColumn(live, optionSet, isInherited);
  const {
    '@odata.type': _type,
    OptionSet: _local,
    GlobalOptionSet: _global,
    ColumnNumber: columnNumber,
    ...members
  } = live;
  const said = { ...baseMembers(table, column, 0), ...derivedMembers(table, column) };
  // The model numbers columns by their order, and a live table has another order.
  const recorded = { ...recordedMembers(members, said), ColumnNumber: columnNumber };
  return { ...column, recorded };
}

function modelledColumn(live: Members, optionSet: OptionSet | null, isInherited: boolean): Column {
  const logicalName = textOf(live['LogicalName']);
  if (logicalName === null) throw new TypeError('An attribute has no LogicalName.');
  const behavior = membersOf(live['DateTimeBehavior'])?.['Value'];
  const level = membersOf(live['RequiredLevel'])?.['Value'];
  return {
    logicalName,
    schemaName: textOf(live['SchemaName']) ?? logicalName,
    kind: recordedKind(live),
    displayName: recordedLabel(live['DisplayName']),
    description: recordedLabel(live['Description']),
    attributeOf: textOf(live['AttributeOf']),
    isValidForRead: live['IsValidForRead'] !== false,
    isValidODataAttribute: live['IsValidODataAttribute'] !== false,
    isInherited,
    isPrimaryId: live['IsPrimaryId'] === true,
    isPrimaryName: live['IsPrimaryName'] === true,
    isCustom: live['IsCustomAttribute'] === true,
    isLogical: live['IsLogical'] === true,
    isSecured: live['IsSecured'] === true,
    requiredLevel: LEVELS.find((each) => each === level) ?? 'None',
    sourceType: SOURCES.find((each) => each === live['SourceType']) ?? null,
    maxLength: numberOf(live['MaxLength']),
    format: textOf(live['Format']),
    minValue: numberText(live['MinValue']),
    maxValue: numberText(live['MaxValue']),
    precision: numberOf(live['Precision']),
    // Some live columns have an empty text here.
    calculationOf: textOf(live['CalculationOf']) || null,
    behavior: BEHAVIORS.find((each) => each === behavior) ?? null,
    targets: Array.isArray(live['Targets']) ? live['Targets'].flatMap((each) => textOf(each) ?? []) : [],
    optionSet,
  };
}
