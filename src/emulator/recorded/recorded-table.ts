import type { OptionSet } from '../definitions/option-set.ts';
import {
  recordedMembers,
  flagOf,
  listOf,
  membersOf,
  numberOf,
  textOf,
  recordedLabel,
  type Members,
} from './members.ts';
import { stableGuid } from '../definitions/metadata-members.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { tableMetadata } from '../metadata/entity-metadata.ts';
import { recordedColumn } from './recorded-column.ts';
import { recordedKind } from './recorded-kind.ts';
import { recordedOptionSet } from './recorded-option-set.ts';

/** The types that the live CSDL derives from `principal`. */
const PRINCIPALS = new Set(['systemuser', 'team']);

/** Collections beside the definition's own members. */
const COLLECTIONS = new Set([
  'Attributes',
  'Keys',
  'ManyToManyRelationships',
  'ManyToOneRelationships',
  'OneToManyRelationships',
  'Privileges',
]);

/**
 * A table from answers of a live environment. The document is either the body of an EntityDefinition with its
 * attributes and their option sets; or it has such a body as `EntityMetadata`, and beside it the bodies of the option
 * set requests (`PicklistOptionSetAttribute` and so on).
 *
 * The emulator serves recorded metadata unchanged. It makes up what was not recorded: a table is tracked unless it
 * is virtual, and it is virtual if its columns have external names.
 *
 * @throws TypeError if the document is no table definition.
 */
export function recordedTable(document: unknown): TableDefinition {
  const outer = membersOf(document) ?? {};
  const live = membersOf(outer['EntityMetadata']) ?? outer;
  const attributes = listOf(live['Attributes']);
  const table = modelledTable(live, attributes);
  const own = Object.entries(live).filter(([name]) => !COLLECTIONS.has(name) && !name.startsWith('@'));
  const optionSets = optionSetsBeside(outer);
  const files = new Set(
    attributes.filter((each) => recordedKind(each) === 'File').map((each) => each['LogicalName']),
  );
  const columns = attributes.map((attribute) =>
    recordedColumn(
      table,
      attribute,
      optionSets.get(textOf(attribute['LogicalName']) ?? '') ?? optionSetWithin(attribute),
      table.isActivity && isInherited(attribute, files),
    ),
  );
  const complete = { ...table, columns };
  return { ...complete, recorded: recordedMembers(Object.fromEntries(own), tableMetadata(complete)) };
}

function modelledTable(live: Members, attributes: readonly Members[]): TableDefinition {
  const logicalName = required(live, 'LogicalName');
  const tableType = recordedTableType(live, attributes);
  const tracked = flagOf(live['ChangeTrackingEnabled']) ?? tableType !== 'Virtual';
  const isActivity = live['IsActivity'] === true;
  const entitySetName = textOf(live['EntitySetName']) ?? '';
  return {
    logicalName,
    schemaName: textOf(live['SchemaName']) ?? logicalName,
    entitySetName,
    logicalCollectionName: textOf(live['LogicalCollectionName']) ?? entitySetName,
    displayName: recordedLabel(live['DisplayName']),
    displayCollectionName: recordedLabel(live['DisplayCollectionName']),
    description: recordedLabel(live['Description']),
    objectTypeCode: numberOf(live['ObjectTypeCode']) ?? 10_000,
    metadataId: textOf(live['MetadataId']) ?? stableGuid(`table:${logicalName}`),
    primaryIdAttribute: required(live, 'PrimaryIdAttribute'),
    primaryNameAttribute: textOf(live['PrimaryNameAttribute']),
    primaryImageAttribute: textOf(live['PrimaryImageAttribute']),
    ownershipType: textOf(live['OwnershipType']) ?? 'None',
    tableType,
    baseType: isActivity ? 'activitypointer' : PRINCIPALS.has(logicalName) ? 'principal' : 'crmbaseentity',
    changeTrackingEnabled: tracked,
    canChangeTrackingBeEnabled: flagOf(live['CanChangeTrackingBeEnabled']) ?? tableType !== 'Virtual',
    isActivity,
    isCustomEntity: live['IsCustomEntity'] === true,
    intersects: live['IsIntersect'] === true ? endsOf(live, logicalName) : null,
    columns: [],
  };
}

function recordedTableType(live: Members, attributes: readonly Members[]): TableDefinition['tableType'] {
  const type = live['TableType'];
  if (type === 'Standard' || type === 'Virtual' || type === 'Elastic') return type;
  // Older environments do not say the type. Only virtual tables have columns with an external name.
  return attributes.some((attribute) => textOf(attribute['ExternalName'])) ? 'Virtual' : 'Standard';
}

/** The tables at both ends of an N:N table, from its relationship. */
function endsOf(live: Members, logicalName: string): readonly [string, string] {
  const relationship = listOf(live['ManyToManyRelationships']).find(
    (each) => each['IntersectEntityName'] === logicalName,
  );
  const end = (name: string): string => textOf(relationship?.[name]) ?? '';
  return [end('Entity1LogicalName'), end('Entity2LogicalName')];
}

/**
 * Whether the CSDL declares an attribute of an activity on activitypointer. Metadata flags all such attributes as
 * invalid for OData. It flags their label companions too, which the CSDL does not declare, except the name of a file.
 */
function isInherited(attribute: Members, files: ReadonlySet<unknown>): boolean {
  if (attribute['IsValidODataAttribute'] !== false || attribute['InheritsFrom'] === null) return false;
  return attribute['AttributeOf'] === null || files.has(attribute['AttributeOf']);
}

function optionSetWithin(attribute: Members): OptionSet | null {
  return recordedOptionSet(attribute['OptionSet'] ?? attribute['GlobalOptionSet']);
}

/** The option sets of `{"PicklistOptionSetAttribute":{"value":[{"LogicalName":…,"OptionSet":…}]}, …}` by column. */
function optionSetsBeside(outer: Members): Map<string, OptionSet> {
  const found = new Map<string, OptionSet>();
  for (const [name, body] of Object.entries(outer)) {
    if (!name.endsWith('OptionSetAttribute')) continue;
    for (const attribute of listOf(membersOf(body)?.['value'])) {
      const set = optionSetWithin(attribute);
      if (set !== null) found.set(textOf(attribute['LogicalName']) ?? '', set);
    }
  }
  return found;
}

function required(live: Members, name: string): string {
  const value = textOf(live[name]);
  if (value === null) throw new TypeError(`The table definition has no ${name}.`);
  return value;
}
