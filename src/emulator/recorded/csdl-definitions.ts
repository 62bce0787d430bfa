import { column } from '../table-parts/column-kinds.ts';
import type { AttributeKind } from '../definitions/attribute-kind.ts';
import type { Column } from '../definitions/column.ts';
import { stableGuid } from '../definitions/metadata-members.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { ancestry, readCsdlDocument, type CsdlDocument, type CsdlProperty } from './csdl-document.ts';

const ACTIVITY = 'activitypointer';
const PRINCIPAL = 'principal';
const LOOKUP = /^_(.+)_value$/;

const KINDS: Readonly<Record<string, AttributeKind>> = {
  'Edm.String': 'String',
  'Edm.Int32': 'Integer',
  'Edm.Int64': 'BigInt',
  'Edm.Decimal': 'Decimal',
  'Edm.Double': 'Double',
  'Edm.Boolean': 'Boolean',
  'Edm.DateTimeOffset': 'DateTime',
  'Edm.Date': 'DateTime',
  'Edm.Guid': 'Uniqueidentifier',
  'Edm.Binary': 'Image',
  'mscrm.BooleanManagedProperty': 'ManagedProperty',
};

/**
 * The tables of a `$metadata` document: the entity types that derive from `crmbaseentity` and have an entity
 * set. The other sets, such as EntityDefinitions, hold metadata, and types without a set are only base types.
 *
 * The CSDL says less than metadata: choices are plain numbers, money is decimal, and there are no labels. Every
 * table counts as tracked.
 */
export function csdlDefinitions(xml: string): TableDefinition[] {
  const document = readCsdlDocument(xml);
  return [...document.types.keys()]
    .filter((name) => document.sets.has(name))
    .filter((name) => ancestry(document, name).at(-1)?.name === 'crmbaseentity')
    .map((name, index) => definition(document, name, 10_000 + index));
}

function definition(document: CsdlDocument, name: string, objectTypeCode: number): TableDefinition {
  const line = ancestry(document, name);
  const entitySetName = document.sets.get(name) ?? '';
  const isPrincipal = line.some((type) => type.name === PRINCIPAL);
  const isActivity = name !== ACTIVITY && line.some((type) => type.name === ACTIVITY);
  // Users and teams inherit their key from principal. It is not the column that metadata calls their primary id.
  const primaryIdAttribute = isPrincipal
    ? `${name}id`
    : (line.flatMap((type) => type.keys)[0] ?? `${name}id`);
  const targets = new Map(line.flatMap((type) => [...type.targets]));
  const columns = line
    .filter((type) => type.name !== PRINCIPAL)
    .flatMap((type) =>
      type.properties.map((property) =>
        propertyColumn(document, property, targets.get(property.name) ?? [], {
          isPrimaryId: property.name === primaryIdAttribute,
          isInherited: isActivity && type.name === ACTIVITY,
        }),
      ),
    );
  return {
    logicalName: name,
    schemaName: name,
    entitySetName,
    logicalCollectionName: entitySetName,
    displayName: null,
    displayCollectionName: null,
    description: null,
    objectTypeCode,
    metadataId: stableGuid(`table:${name}`),
    primaryIdAttribute,
    primaryNameAttribute: null,
    primaryImageAttribute: columns.find((each) => each.kind === 'Image')?.logicalName ?? null,
    ownershipType: columns.some((each) => each.logicalName === 'ownerid') ? 'UserOwned' : 'None',
    tableType: 'Standard',
    baseType: isActivity ? ACTIVITY : isPrincipal ? PRINCIPAL : 'crmbaseentity',
    changeTrackingEnabled: true,
    canChangeTrackingBeEnabled: true,
    isActivity,
    isCustomEntity: name.includes('_'),
    intersects: null,
    columns,
  };
}

function propertyColumn(
  document: CsdlDocument,
  { name, type }: CsdlProperty,
  targets: readonly string[],
  role: { readonly isPrimaryId: boolean; readonly isInherited: boolean },
): Column {
  const logicalName = LOOKUP.exec(name)?.[1];
  // Metadata flags the columns that an activity inherits as invalid for OData, although rows carry them.
  const extras = { ...role, isValidODataAttribute: !role.isInherited };
  if (logicalName !== undefined) {
    return column(targets.includes(PRINCIPAL) ? 'Owner' : 'Lookup', logicalName, null, {
      ...extras,
      logicalName,
      targets: targets.flatMap((target) => concrete(document, target)),
      isCustom: logicalName.includes('_'),
    });
  }
  const kind = KINDS[type] ?? 'Virtual';
  return column(kind, name, null, {
    ...extras,
    logicalName: name,
    isCustom: name.includes('_'),
    isValidODataAttribute: extras.isValidODataAttribute && kind !== 'Virtual',
    behavior: kind === 'DateTime' ? (type === 'Edm.Date' ? 'DateOnly' : 'UserLocal') : null,
  });
}

/** The tables that a lookup to a type may point at: the type's own table, or the tables of derived types. */
function concrete(document: CsdlDocument, target: string): string[] {
  if (document.sets.has(target)) return [target];
  return [...document.types.values()]
    .filter((type) => type.base === target && document.sets.has(type.name))
    .map((type) => type.name);
}
