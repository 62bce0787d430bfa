import type { Column, ColumnType, Derivation, OddItem } from '../../model/table.ts';
import type { ParsedDefinitions } from './odd-definitions.ts';
import { labelText, type AttributeDefinition, type AttributeDetails } from './table-definition.ts';

const LOOKUPS = new Set(['LookupType', 'CustomerType', 'OwnerType']);
const DATE_TIME = 'DateTimeType';

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
  // As it comes: base64.
  ['ImageType', 'text'],
]);

/** Types that no column is made of. */
const WITHOUT_COLUMN = new Set(['PartyListType', 'CalendarRulesType', 'VirtualType']);

// The protocol's lookup annotation: which table the id is of.
const LOOKUP_LOGICAL_NAME = '@Microsoft.Dynamics.CRM.lookuplogicalname';

// The older AttributeType, for a definition that comes without AttributeTypeName.
function typeName(attribute: AttributeDefinition): string {
  const name = attribute.AttributeTypeName?.Value ?? attribute.AttributeType;
  if (name === null || name === undefined) return '';
  return name.endsWith('Type') ? name : `${name}Type`;
}

/** By SourceType, as the SDK's enumeration has it; 0 and null are plain columns. */
const DERIVATIONS: readonly (Derivation | undefined)[] = [undefined, 'calculated', 'rollup', 'formula'];

/** File contents as text of a row: a page of them would take gigabytes. */
const BODIES = new Set(['annotation.documentbody', 'activitymimeattachment.body']);

/** What a table's attributes come to. */
export interface Columns {
  readonly columns: readonly Column[];
  /** Attributes whose definition nobody can make sense of: no column is made of them. */
  readonly odd: readonly OddItem[];
  /** Attributes whose details did not come, so that the usual ones were assumed. */
  readonly assumed: readonly string[];
}

/**
 * The columns a mirror of a table can have, from its attributes; those marked `onRequest` are left out
 * unless somebody asks for them.
 *
 * @param declared what the CSDL declares on the table's type; undefined when it is unknown, then the
 *   attributes' own flags decide.
 */
export function columnsOf(
  table: string,
  { items: attributes, odd: found }: ParsedDefinitions<AttributeDefinition>,
  details: AttributeDetails,
  declared: ReadonlySet<string> | undefined,
): Columns {
  const isReadable = (attribute: AttributeDefinition, property: string): boolean =>
    attribute.IsValidForRead !== false &&
    (declared === undefined ? attribute.IsValidODataAttribute !== false : declared.has(property));
  const fileNames = fileNamesOf(attributes);
  const comesWithFile = new Set(fileNames.values());
  const odd = [...found];
  const assumed: string[] = [];
  const oddDetails = new Map(details.odd?.map((item) => [item.name, item.reason]));
  const columnsOfAll = attributes.flatMap((attribute) => {
    const name = attribute.LogicalName;
    if (isCompanion(attribute) && comesWithFile.has(name)) return [];
    const type = typeName(attribute);
    const property = LOOKUPS.has(type) ? `_${name}_value` : name;
    if (!isReadable(attribute, property)) return [];
    const reason =
      oddType(attribute, type) ?? oddDetails.get(name) ?? oddBehavior(details.behaviors.get(name));
    if (reason !== undefined) {
      odd.push({ name, reason });
      return [];
    }
    if (lacksDetails(name, type, details)) assumed.push(name);
    const fileName = fileNames.get(name);
    const columns = columnsOfAttribute(attribute, type, property, details, {
      fileName: fileName !== undefined && declared?.has(fileName) !== false ? fileName : undefined,
    });
    // Readable companions, such as an image's address, repeat what another column says.
    const onRequest = isCompanion(attribute) || type === 'ImageType' || BODIES.has(`${table}.${name}`);
    return onRequest ? columns.map((column) => ({ ...column, onRequest })) : columns;
  });
  return { columns: columnsOfAll, odd, assumed };
}

function lacksDetails(name: string, type: string, { targets, behaviors }: AttributeDetails): boolean {
  if (LOOKUPS.has(type)) return (targets.get(name) ?? []).length === 0;
  return type === DATE_TIME && (behaviors.get(name) ?? '') === '';
}

/** How an attribute's type is odd; a companion's is of no account. */
function oddType(attribute: AttributeDefinition, type: string): string | undefined {
  const isKnown = TYPES.has(type) || LOOKUPS.has(type) || WITHOUT_COLUMN.has(type) || type === DATE_TIME;
  if (isKnown || isCompanion(attribute)) return undefined;
  return type === '' ? 'it has no AttributeTypeName' : `its AttributeTypeName ${type} is not known`;
}

function isCompanion({ AttributeOf }: AttributeDefinition): boolean {
  return AttributeOf !== null && AttributeOf !== undefined;
}

/**
 * The attribute with the name of each file. Only AttributeOf ties the two together: it is
 * `document_name` of `document`, but `backgroundimage_name` of `background_image`.
 */
function fileNamesOf(attributes: readonly AttributeDefinition[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const attribute of attributes) {
    if (typeName(attribute) === 'FileType') names.set(attribute.LogicalName, `${attribute.LogicalName}_name`);
  }
  for (const attribute of attributes) {
    const file = attribute.AttributeOf;
    if (file && names.has(file) && typeName(attribute) === 'StringType')
      names.set(file, attribute.LogicalName);
  }
  return names;
}

function columnsOfAttribute(
  attribute: AttributeDefinition,
  kind: string,
  property: string,
  details: AttributeDetails,
  { fileName }: { readonly fileName: string | undefined },
): Column[] {
  const name = attribute.LogicalName;
  const displayName = labelText(attribute.DisplayName);
  const description = labelText(attribute.Description);
  const targets = LOOKUPS.has(kind) ? (details.targets.get(name) ?? []) : undefined;
  const derived = DERIVATIONS[attribute.SourceType ?? 0];
  const identity = attribute.MetadataId ? { metadataId: attribute.MetadataId.toLowerCase() } : {};
  const column = (type: ColumnType): Column => ({
    name,
    type,
    attribute: name,
    property,
    selectable: true,
    ...identity,
    attributeType: kind,
    ...(targets === undefined ? {} : { targets }),
    ...(derived === undefined ? {} : { derived }),
    ...(attribute.IsSecured === true ? { secured: true } : {}),
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
  });
  const companion = (of: string, from: string, selectable: boolean, label: string): Column => ({
    name: of,
    type: 'text',
    attribute: name,
    property: from,
    selectable,
    ...identity,
    ...(displayName === undefined ? {} : { displayName: `${displayName} (${label})` }),
  });
  if (targets !== undefined) {
    const many = targets.length === 0 ? kind !== 'LookupType' : targets.length > 1;
    if (!many) return [column('uuid')];
    const annotation = property + LOOKUP_LOGICAL_NAME;
    return [column('uuid'), companion(`${name}_entitytype`, annotation, false, 'table')];
  }
  if (kind === DATE_TIME) return [column(dateTimeType(details.behaviors.get(name)))];
  const type = TYPES.get(kind);
  if (type === undefined) return [];
  if (fileName !== undefined) {
    return [column(type), companion(`${name}_name`, fileName, true, 'file name')];
  }
  return [column(type)];
}

/** The DateTimeBehavior of a date-time: what it means for the value ("Behavior and format of the date and time column"). */
const BEHAVIORS = new Set(['', 'UserLocal', 'TimeZoneIndependent', 'DateOnly']);

function oddBehavior(behavior = ''): string | undefined {
  return BEHAVIORS.has(behavior) ? undefined : `its DateTimeBehavior ${behavior} is not known`;
}

function dateTimeType(behavior: string | undefined): ColumnType {
  if (behavior === 'DateOnly') return 'date';
  return behavior === 'TimeZoneIndependent' ? 'timestamp' : 'timestamptz';
}
