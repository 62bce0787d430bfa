import type { Column, ColumnType } from '../model/table.ts';
import { labelText, type AttributeDefinition, type AttributeDetails } from './table-definition.ts';

const LOOKUPS = new Set(['LookupType', 'CustomerType', 'OwnerType']);

// By AttributeTypeName: AttributeType says "Virtual" for multi-select, file and image alike.
const TYPES: ReadonlyMap<string, ColumnType> = new Map([
  ['StringType', 'text'],
  ['MemoType', 'text'],
  ['EntityNameType', 'text'],
  ['IntegerType', 'integer'],
  ['PicklistType', 'integer'],
  ['StateType', 'integer'],
  ['StatusType', 'integer'],
  ['BigIntType', 'bigint'],
  ['DecimalType', 'numeric'],
  ['MoneyType', 'numeric'],
  ['DoubleType', 'double'],
  ['BooleanType', 'boolean'],
  ['ManagedPropertyType', 'boolean'],
  ['MultiSelectPicklistType', 'integers'],
  ['UniqueidentifierType', 'uuid'],
  ['FileType', 'uuid'],
]);

// The protocol's lookup annotation: which table the id is of.
const LOOKUP_LOGICAL_NAME = '@Microsoft.Dynamics.CRM.lookuplogicalname';

// The older AttributeType, for a definition that comes without AttributeTypeName.
function typeName(attribute: AttributeDefinition): string {
  const name = attribute.AttributeTypeName?.Value ?? attribute.AttributeType;
  if (name === null || name === undefined) return '';
  return name.endsWith('Type') ? name : `${name}Type`;
}

/**
 * The mirror columns of a table, from its attributes.
 *
 * @param declared what the CSDL declares on the table's type; undefined when it is unknown, then the
 *   attributes' own flags decide.
 */
export function columnsOf(
  attributes: readonly AttributeDefinition[],
  details: AttributeDetails,
  declared: ReadonlySet<string> | undefined,
): Column[] {
  const readable = (attribute: AttributeDefinition, property: string): boolean =>
    attribute.IsValidForRead !== false &&
    (declared === undefined ? attribute.IsValidODataAttribute !== false : declared.has(property));
  return attributes.flatMap((attribute) => {
    // Companions (labels, names, image helpers) repeat what another column or table says.
    if (attribute.AttributeOf !== null && attribute.AttributeOf !== undefined) return [];
    const type = typeName(attribute);
    const property = LOOKUPS.has(type) ? `_${attribute.LogicalName}_value` : attribute.LogicalName;
    if (!readable(attribute, property)) return [];
    return columnsOfAttribute(attribute, type, property, details, declared);
  });
}

function columnsOfAttribute(
  attribute: AttributeDefinition,
  kind: string,
  property: string,
  details: AttributeDetails,
  declared: ReadonlySet<string> | undefined,
): Column[] {
  const name = attribute.LogicalName;
  const displayName = labelText(attribute.DisplayName);
  const description = labelText(attribute.Description);
  const labels = {
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
  };
  const column = (type: ColumnType): Column => ({
    name,
    type,
    attribute: name,
    property,
    selectable: true,
    ...labels,
  });
  if (LOOKUPS.has(kind)) {
    const targets = details.targets.get(name) ?? [];
    const many = targets.length === 0 ? kind !== 'LookupType' : targets.length > 1;
    if (!many) return [column('uuid')];
    const entityType: Column = {
      name: `${name}_entitytype`,
      type: 'text',
      attribute: name,
      property: property + LOOKUP_LOGICAL_NAME,
      selectable: false,
      ...(displayName === undefined ? {} : { displayName: `${displayName} (table)` }),
    };
    return [column('uuid'), entityType];
  }
  if (kind === 'DateTimeType') return [column(dateTimeType(details.behaviors.get(name)))];
  const type = TYPES.get(kind);
  if (type === undefined) return [];
  const fileName = `${name}_name`;
  if (kind === 'FileType' && (declared === undefined || declared.has(fileName))) {
    const companion: Column = {
      name: fileName,
      type: 'text',
      attribute: name,
      property: fileName,
      selectable: true,
      ...(displayName === undefined ? {} : { displayName: `${displayName} (file name)` }),
    };
    return [column(type), companion];
  }
  return [column(type)];
}

function dateTimeType(behavior: string | undefined): ColumnType {
  if (behavior === 'DateOnly') return 'date';
  return behavior === 'TimeZoneIndependent' ? 'timestamp' : 'timestamptz';
}
