import type { Column, ColumnType, Derivation, OddItem } from '../../model/table.ts';
import { LOOKUP_ANNOTATION } from '../feed/selection.ts';
import type { ParsedDefinitions } from './odd-definitions.ts';
import { labelText, type AttributeDefinition, type AttributeDetails } from './table-definition.ts';

const LOOKUPS = new Set(['LookupType', 'CustomerType', 'OwnerType']);
const DATE_TIME = 'DateTimeType';

// Keyed by AttributeTypeName, because AttributeType says "Virtual" for multi-select, file and image alike.
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
  // In base64, as it comes.
  ['ImageType', 'text'],
]);

/** Types that make no column, and why. */
const WITHOUT_COLUMN: ReadonlyMap<string, string> = new Map([
  ['PartyListType', 'no value of its own: its parties are rows of activityparty'],
  ['CalendarRulesType', 'no value of its own: its rules are rows of calendarrule'],
  ['VirtualType', 'no value of its own'],
]);

/** The AttributeTypeName, or the name made of the older AttributeType if a definition lacks it. */
function typeName(attribute: AttributeDefinition): string {
  const name = attribute.AttributeTypeName?.Value ?? attribute.AttributeType;
  if (name === null || name === undefined) return '';
  return name.endsWith('Type') ? name : `${name}Type`;
}

/** Indexed by SourceType, as the SDK's enumeration defines it; 0 and null mean a plain column. */
const DERIVATIONS: readonly (Derivation | undefined)[] = [undefined, 'calculated', 'rollup', 'formula'];

/** Columns that hold file contents as text: a page of them would take gigabytes. */
const BODIES = new Set(['annotation.documentbody', 'activitymimeattachment.body']);

/** An attribute of a table, whether it makes a column or not. */
export interface Attribute {
  /** Logical name. */
  readonly name: string;
  /** AttributeTypeName without its ending, for example `Picklist`; empty if the definition has none. */
  readonly type: string;
  readonly displayName?: string;
  /** Why it makes no column, or makes one only on request. */
  readonly why?: string;
}

/** The columns that the attributes of a table make. */
export interface Columns {
  readonly columns: readonly Column[];
  /** Every attribute, as far as its definition can be read. */
  readonly attributes: readonly Attribute[];
  /** Attributes with an odd definition, which make no column. */
  readonly odd: readonly OddItem[];
  /** Attributes whose details did not come, so that the usual details were assumed. */
  readonly assumed: readonly string[];
}

/**
 * The columns that the mirror of a table can have. Columns marked `onRequest` are left out unless the
 * configuration names them.
 *
 * @param declared properties that the CSDL declares on the table's type; if undefined, the flags of the
 *   attributes decide.
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
  const fileOf = new Map([...fileNames].map(([file, name]) => [name, file]));
  const odd = [...found];
  const assumed: string[] = [];
  const oddDetails = new Map(details.odd?.map((item) => [item.name, item.reason]));
  const reasons = new Map<string, string>();
  const leftOut = (name: string, why: string): [] => {
    reasons.set(name, why);
    return [];
  };
  const columnsOfAll = attributes.flatMap((attribute) => {
    const name = attribute.LogicalName;
    const file = fileOf.get(name);
    if (isCompanion(attribute) && file !== undefined)
      return leftOut(name, `the name of ${file}: column ${file}_name has it`);
    const type = typeName(attribute);
    const property = LOOKUPS.has(type) ? `_${name}_value` : name;
    if (!isReadable(attribute, property)) return leftOut(name, whyUnreadable(attribute));
    const reason =
      oddType(attribute, type) ?? oddDetails.get(name) ?? oddBehavior(details.behaviors.get(name));
    if (reason !== undefined) {
      odd.push({ name, reason });
      return leftOut(name, `odd definition: ${reason}`);
    }
    if (lacksDetails(name, type, details)) assumed.push(name);
    const fileName = fileNames.get(name);
    const columns = columnsOfAttribute(attribute, type, property, details, {
      fileName: fileName !== undefined && declared?.has(fileName) !== false ? fileName : undefined,
    });
    if (columns.length === 0) return leftOut(name, WITHOUT_COLUMN.get(type) ?? 'no value of its own');
    const large = whyOnRequest(table, attribute, type);
    if (large === undefined) return columns;
    reasons.set(name, `${large}: only if columns.include names it`);
    return columns.map((column) => ({ ...column, onRequest: true as const }));
  });
  const described = attributes.map((attribute): Attribute => {
    const name = attribute.LogicalName;
    const displayName = labelText(attribute.DisplayName);
    const why = reasons.get(name);
    return {
      name,
      type: typeName(attribute).replace(/Type$/, ''),
      ...(displayName === undefined ? {} : { displayName }),
      ...(why === undefined ? {} : { why }),
    };
  });
  const unread = found.flatMap(({ name, reason }): Attribute[] =>
    name === null ? [] : [{ name, type: '', why: `odd definition: ${reason}` }],
  );
  return { columns: columnsOfAll, attributes: [...described, ...unread], odd, assumed };
}

/** Why a column is left out unless the configuration names it; undefined if it is not. */
function whyOnRequest(table: string, attribute: AttributeDefinition, type: string): string | undefined {
  // An image is itself a companion, of its id.
  if (type === 'ImageType') return 'an image';
  // Readable companions, such as the address of an image, repeat the content of another column.
  if (isCompanion(attribute)) return `it repeats ${attribute.AttributeOf}`;
  return BODIES.has(`${table}.${attribute.LogicalName}`) ? "a file's content" : undefined;
}

function whyUnreadable(attribute: AttributeDefinition): string {
  if (isCompanion(attribute)) return `label companion of ${attribute.AttributeOf}`;
  return attribute.IsValidForRead === false ? 'not readable' : 'not readable through the Web API';
}

function lacksDetails(name: string, type: string, { targets, behaviors }: AttributeDetails): boolean {
  if (LOOKUPS.has(type)) return (targets.get(name) ?? []).length === 0;
  return type === DATE_TIME && (behaviors.get(name) ?? '') === '';
}

/** Why the type of an attribute is odd; undefined if it is known, or if the attribute is a companion. */
function oddType(attribute: AttributeDefinition, type: string): string | undefined {
  const isKnown = TYPES.has(type) || LOOKUPS.has(type) || WITHOUT_COLUMN.has(type) || type === DATE_TIME;
  if (isKnown || isCompanion(attribute)) return undefined;
  return type === '' ? 'it has no AttributeTypeName' : `its AttributeTypeName ${type} is not known`;
}

function isCompanion({ AttributeOf }: AttributeDefinition): boolean {
  return AttributeOf !== null && AttributeOf !== undefined;
}

/**
 * For each file, the attribute with its name. Only AttributeOf connects the two: `document` has
 * `document_name`, but `background_image` has `backgroundimage_name`.
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
    const annotation = `${property}@${LOOKUP_ANNOTATION}`;
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

/** Values of DateTimeBehavior ("Behavior and format of the date and time column"). */
const BEHAVIORS = new Set(['', 'UserLocal', 'TimeZoneIndependent', 'DateOnly']);

function oddBehavior(behavior = ''): string | undefined {
  return BEHAVIORS.has(behavior) ? undefined : `its DateTimeBehavior ${behavior} is not known`;
}

function dateTimeType(behavior: string | undefined): ColumnType {
  if (behavior === 'DateOnly') return 'date';
  return behavior === 'TimeZoneIndependent' ? 'timestamp' : 'timestamptz';
}
