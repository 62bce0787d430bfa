import { KIND_FACTS } from '../definitions/attribute-kind.ts';
import type { Column } from '../definitions/column.ts';
import { exactNumber } from './exact-json.ts';
import { labelJson, managedProperty, stableGuid } from '../definitions/metadata-members.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

/** The members of attributes of all kinds. A `$select` without a cast may name only these. */
export function baseMembers(
  table: TableDefinition,
  column: Column,
  columnNumber: number,
): Record<string, unknown> {
  const id = `${table.logicalName}.${column.logicalName}`;
  const facts = KIND_FACTS[column.kind];
  const writable = !column.isPrimaryId && column.attributeOf === null && column.sourceType !== 1;
  const members = {
    MetadataId: stableGuid(`attribute:${table.metadataId}.${column.logicalName}`),
    HasChanged: null,
    AttributeOf: column.attributeOf,
    AttributeType: facts.attributeType,
    ColumnNumber: columnNumber,
    DeprecatedVersion: null,
    IntroducedVersion: '5.0.0.0',
    EntityLogicalName: table.logicalName,
    IsCustomAttribute: column.isCustom,
    IsPrimaryId: column.isPrimaryId,
    IsValidODataAttribute: column.isValidODataAttribute,
    IsPrimaryName: column.isPrimaryName,
    IsValidForCreate: writable || column.isPrimaryId,
    IsValidForRead: column.isValidForRead,
    IsValidForUpdate: writable,
    CanBeSecuredForRead: column.isSecured,
    CanBeSecuredForCreate: column.isSecured,
    CanBeSecuredForUpdate: column.isSecured,
    IsSecured: column.isSecured,
    IsRetrievable: column.isPrimaryId || column.logicalName === 'versionnumber',
    IsFilterable: false,
    IsSearchable: false,
    IsManaged: !column.isCustom,
    LinkedAttributeId: null,
    LogicalName: column.logicalName,
    IsValidForForm: column.displayName !== null,
    IsRequiredForForm: false,
    IsValidForGrid: column.displayName !== null,
    SchemaName: column.schemaName,
    ExternalName: null,
    IsLogical: column.isLogical,
    IsDataSourceSecret: false,
    InheritsFrom: column.isInherited ? column.logicalName : null,
    CreatedOn: '1900-01-01T00:00:00Z',
    ModifiedOn: '1900-01-01T00:00:00Z',
    SourceType: column.sourceType,
    AutoNumberFormat: '',
    AttributeTypeName: { Value: facts.typeName },
    Description: labelJson(column.description, `attribute:${id}:description`),
    DisplayName: labelJson(column.displayName, `attribute:${id}`),
    IsAuditEnabled: managedProperty(true, true, 'canmodifyauditsettings'),
    IsGlobalFilterEnabled: managedProperty(false, true, 'canmodifyglobalfiltersettings'),
    IsSortableEnabled: managedProperty(false, true, 'canmodifyissortablesettings'),
    IsCustomizable: managedProperty(true, false, 'iscustomizable'),
    IsRenameable: managedProperty(true, false, 'isrenameable'),
    IsValidForAdvancedFind: managedProperty(true, true, 'canmodifysearchsettings'),
    RequiredLevel: {
      Value: column.requiredLevel,
      CanBeChanged: column.requiredLevel !== 'SystemRequired',
      ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
    },
    CanModifyAdditionalSettings: managedProperty(true, false, 'canmodifyadditionalsettings'),
    Settings: [],
  };
  const known = Object.entries(column.recorded ?? {}).filter(([name]) => name in members);
  const own = column.metadataId === undefined ? {} : { MetadataId: column.metadataId };
  return { ...members, ...Object.fromEntries(known), ...own };
}

/** The members that only the derived type has. A request reaches them by a cast. */
export function derivedMembers(table: TableDefinition, column: Column): Record<string, unknown> {
  return { ...membersOfKind(table, column), ...column.recorded };
}

function membersOfKind(table: TableDefinition, column: Column): Record<string, unknown> {
  const formula = { FormulaDefinition: null, SourceTypeMask: 0 };
  const range = {
    MinValue: column.minValue === null ? null : exactNumber(column.minValue),
    MaxValue: column.maxValue === null ? null : exactNumber(column.maxValue),
  };
  switch (column.kind) {
    case 'String': {
      const databaseLength = (column.maxLength ?? 100) * 2;
      return {
        Format: column.format,
        FormatName: { Value: column.format },
        ImeMode: 'Auto',
        MaxLength: column.maxLength,
        YomiOf: null,
        IsLocalizable: false,
        DatabaseLength: databaseLength,
        ...formula,
      };
    }
    case 'Memo':
      return { Format: column.format, ImeMode: 'Auto', MaxLength: column.maxLength, IsLocalizable: false };
    case 'Integer':
      return { Format: column.format, ...range, ...formula };
    case 'BigInt':
      return range;
    case 'Decimal':
      return { ...range, Precision: column.precision, ImeMode: 'Disabled', ...formula };
    case 'Double':
      return { ImeMode: 'Disabled', ...range, Precision: column.precision };
    case 'Money':
      return {
        ImeMode: 'Disabled',
        ...range,
        Precision: column.precision,
        PrecisionSource: 2,
        CalculationOf: column.calculationOf,
        IsBaseCurrency: column.calculationOf !== null,
        ...formula,
      };
    case 'DateTime':
      return {
        MinSupportedValue: '1753-01-01T00:00:00Z',
        MaxSupportedValue: '9999-12-30T23:59:59Z',
        Format: column.format,
        ImeMode: 'Inactive',
        ...formula,
        DateTimeBehavior: { Value: column.behavior },
        CanChangeDateTimeBehavior: managedProperty(true, true, 'canchangedatetimebehavior'),
      };
    case 'Boolean':
      return { DefaultValue: false, ...formula };
    case 'Lookup':
    case 'Customer':
    case 'Owner':
    case 'PartyList':
      return { Targets: column.targets, Format: column.format };
    case 'Picklist':
    case 'MultiSelectPicklist':
      return {
        DefaultFormValue: -1,
        ...formula,
        ParentPicklistLogicalName: null,
        ChildPicklistLogicalNames: [],
      };
    case 'State':
    case 'Status':
      return { DefaultFormValue: column.kind === 'State' ? 0 : -1 };
    case 'Image':
      return {
        IsPrimaryImage: column.logicalName === table.primaryImageAttribute,
        MaxHeight: 144,
        MaxWidth: 144,
        MaxSizeInKB: 10_240,
        CanStoreFullImage: false,
      };
    case 'File':
      return { MaxSizeInKB: 32_768 };
    case 'EntityName':
      return { DefaultFormValue: null, IsEntityReferenceStored: column.attributeOf !== null };
    case 'ManagedProperty':
      return {
        ManagedPropertyLogicalName: 'iscustomizableanddeletable',
        ParentComponentType: 0,
        ParentAttributeName: '',
        ValueAttributeTypeCode: 'Boolean',
      };
    case 'Uniqueidentifier':
    case 'Virtual':
      return {};
  }
}
