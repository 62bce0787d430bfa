import { isLookupKind, KIND_FACTS } from '../definitions/attribute-kind.ts';
import { isDeclared, wireProperty, type Column } from '../definitions/column.ts';
import type { DataverseStore } from '../store/dataverse-store.ts';
import { navigationProperty, csdlKey, type TableDefinition } from '../definitions/emulated-table.ts';

const HEAD =
  '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">' +
  '<edmx:Reference Uri="http://vocabularies.odata.org/OData.Community.Keys.V1.xml"><edmx:Include Namespace="OData.Community.Keys.V1" Alias="Keys" />' +
  '<edmx:IncludeAnnotations TermNamespace="OData.Community.Keys.V1" /></edmx:Reference>' +
  '<edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">' +
  '<EntityType Name="crmbaseentity" Abstract="true" />';

const MANAGED_PROPERTY =
  '<ComplexType Name="BooleanManagedProperty"><Property Name="Value" Type="Edm.Boolean" />' +
  '<Property Name="CanBeChanged" Type="Edm.Boolean" />' +
  '<Property Name="ManagedPropertyLogicalName" Type="Edm.String" Unicode="false" /></ComplexType>';

const TRACKED =
  '<Annotation Term="Org.OData.Capabilities.V1.ChangeTracking"><Record>' +
  '<PropertyValue Property="Supported" Bool="true" /></Record></Annotation>';

/** The CSDL document. The change tracking capability appears only in the annotated variant. */
export function csdlDocument(store: DataverseStore, annotated: boolean): string {
  const tables = [...store.tables.values()];
  const types = tables.filter((table) => !isActivityTable(table)).map((table) => entityType(table, tables));
  const sets = tables.map((table) => {
    const capability = annotated && table.changeTrackingEnabled ? TRACKED : '';
    const open = `<EntitySet Name="${table.entitySetName}" EntityType="Microsoft.Dynamics.CRM.${table.logicalName}"`;
    const bindings = bindingsOf(table, tables).join('');
    return bindings + capability === '' ? `${open} />` : `${open}>${bindings}${capability}</EntitySet>`;
  });
  return (
    HEAD +
    principalType() +
    activityType(tables) +
    types.join('') +
    MANAGED_PROPERTY +
    `<EntityContainer Name="System">${sets.join('')}</EntityContainer>` +
    '</Schema></edmx:DataServices></edmx:Edmx>'
  );
}

function principalType(): string {
  return (
    '<EntityType Name="principal" BaseType="mscrm.crmbaseentity" Abstract="true"><Key><PropertyRef Name="ownerid" /></Key>' +
    '<Property Name="ownerid" Type="Edm.Guid" /></EntityType>'
  );
}

/** Declares all that activities inherit, and the columns of the table of all activities if the model has it. */
function activityType(tables: readonly TableDefinition[]): string {
  const inherited = new Map<string, string>();
  for (const table of tables) {
    for (const column of table.columns) {
      const shared = column.isInherited || isActivityTable(table);
      if (shared && isDeclared(column)) inherited.set(wireProperty(column), property(column));
    }
  }
  const navigations = tables.filter(isActivityTable).flatMap((table) => navigationsOf(table, tables));
  return (
    '<EntityType Name="activitypointer" BaseType="mscrm.crmbaseentity" Abstract="true"><Key><PropertyRef Name="activityid" /></Key>' +
    `${[...inherited.values(), ...navigations].join('')}</EntityType>`
  );
}

function entityType(table: TableDefinition, tables: readonly TableDefinition[]): string {
  const own = table.columns.filter((column) => isDeclared(column) && !column.isInherited);
  return (
    `<EntityType Name="${table.logicalName}" BaseType="mscrm.${table.baseType}">` +
    `<Key><PropertyRef Name="${csdlKey(table)}" /></Key>` +
    `${own.map(property).join('')}${navigationsOf(table, tables).join('')}</EntityType>`
  );
}

/** The base of all activities can be read as a table itself. */
function isActivityTable(table: TableDefinition): boolean {
  return table.logicalName === 'activitypointer';
}

function property(column: Column): string {
  const type =
    column.kind === 'DateTime' && column.behavior === 'DateOnly'
      ? 'Type="Edm.Date"'
      : KIND_FACTS[column.kind].edm;
  return `<Property Name="${wireProperty(column)}" ${type} />`;
}

function navigationsOf(table: TableDefinition, tables: readonly TableDefinition[]): string[] {
  return table.columns
    .filter((column) => isLookupKind(column.kind) && isDeclared(column))
    .flatMap((column) => navigationOf(table, column, tables));
}

function navigationOf(table: TableDefinition, column: Column, tables: readonly TableDefinition[]): string[] {
  const single = (name: string, type: string, key: string): string =>
    `<NavigationProperty Name="${name}" Type="mscrm.${type}" Nullable="false" Partner="${table.logicalName}_${name}">` +
    `<ReferentialConstraint Property="${wireProperty(column)}" ReferencedProperty="${key}" /></NavigationProperty>`;
  if (column.kind === 'Owner') {
    return [single(navigationProperty(table, column, 'principal'), 'principal', 'ownerid')];
  }
  return column.targets.flatMap((target) => {
    const type = tables.find((each) => each.logicalName === target);
    return type === undefined
      ? []
      : [single(navigationProperty(table, column, target), target, type.primaryIdAttribute)];
  });
}

function bindingsOf(table: TableDefinition, tables: readonly TableDefinition[]): string[] {
  return table.columns
    .filter((column) => column.kind === 'Lookup' || column.kind === 'Customer')
    .flatMap((column) =>
      column.targets.flatMap((target) => {
        const set = tables.find((each) => each.logicalName === target)?.entitySetName;
        const path = navigationProperty(table, column, target);
        return set === undefined ? [] : [`<NavigationPropertyBinding Path="${path}" Target="${set}" />`];
      }),
    );
}
