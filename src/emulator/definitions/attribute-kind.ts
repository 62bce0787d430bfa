/** The kinds of attribute, named after the casts `Microsoft.Dynamics.CRM.<Kind>AttributeMetadata` where one exists. */
export type AttributeKind =
  | 'String'
  | 'Memo'
  | 'Integer'
  | 'BigInt'
  | 'Decimal'
  | 'Double'
  | 'Money'
  | 'Boolean'
  | 'DateTime'
  | 'Uniqueidentifier'
  | 'Lookup'
  | 'Customer'
  | 'Owner'
  | 'PartyList'
  | 'Picklist'
  | 'State'
  | 'Status'
  | 'MultiSelectPicklist'
  | 'Image'
  | 'File'
  | 'EntityName'
  | 'ManagedProperty'
  | 'Virtual';

interface KindFacts {
  /** AttributeType. It is `Virtual` for choices of several values, images and files. */
  readonly attributeType: string;
  /** AttributeTypeName/Value. It tells all kinds apart. */
  readonly typeName: string;
  /** The derived metadata type, null for the plain AttributeMetadata. */
  readonly cast: string | null;
  /** The CSDL type with its facets. */
  readonly edm: string;
}

const TEXT = 'Type="Edm.String" Unicode="false"';
const DECIMAL = 'Type="Edm.Decimal" Scale="Variable"';
const INT32 = 'Type="Edm.Int32"';
const GUID = 'Type="Edm.Guid"';

/** What the metadata and the CSDL say about each kind. */
export const KIND_FACTS: Readonly<Record<AttributeKind, KindFacts>> = {
  String: { attributeType: 'String', typeName: 'StringType', cast: 'String', edm: TEXT },
  Memo: { attributeType: 'Memo', typeName: 'MemoType', cast: 'Memo', edm: TEXT },
  Integer: { attributeType: 'Integer', typeName: 'IntegerType', cast: 'Integer', edm: INT32 },
  BigInt: { attributeType: 'BigInt', typeName: 'BigIntType', cast: 'BigInt', edm: 'Type="Edm.Int64"' },
  Decimal: { attributeType: 'Decimal', typeName: 'DecimalType', cast: 'Decimal', edm: DECIMAL },
  Double: { attributeType: 'Double', typeName: 'DoubleType', cast: 'Double', edm: 'Type="Edm.Double"' },
  Money: { attributeType: 'Money', typeName: 'MoneyType', cast: 'Money', edm: DECIMAL },
  Boolean: { attributeType: 'Boolean', typeName: 'BooleanType', cast: 'Boolean', edm: 'Type="Edm.Boolean"' },
  DateTime: {
    attributeType: 'DateTime',
    typeName: 'DateTimeType',
    cast: 'DateTime',
    edm: 'Type="Edm.DateTimeOffset"',
  },
  Uniqueidentifier: {
    attributeType: 'Uniqueidentifier',
    typeName: 'UniqueidentifierType',
    cast: 'UniqueIdentifier',
    edm: GUID,
  },
  Lookup: { attributeType: 'Lookup', typeName: 'LookupType', cast: 'Lookup', edm: GUID },
  Customer: { attributeType: 'Customer', typeName: 'CustomerType', cast: 'Lookup', edm: GUID },
  Owner: { attributeType: 'Owner', typeName: 'OwnerType', cast: 'Lookup', edm: GUID },
  PartyList: { attributeType: 'PartyList', typeName: 'PartyListType', cast: 'Lookup', edm: GUID },
  Picklist: { attributeType: 'Picklist', typeName: 'PicklistType', cast: 'Picklist', edm: INT32 },
  State: { attributeType: 'State', typeName: 'StateType', cast: 'State', edm: INT32 },
  Status: { attributeType: 'Status', typeName: 'StatusType', cast: 'Status', edm: INT32 },
  MultiSelectPicklist: {
    attributeType: 'Virtual',
    typeName: 'MultiSelectPicklistType',
    cast: 'MultiSelectPicklist',
    edm: TEXT,
  },
  Image: { attributeType: 'Virtual', typeName: 'ImageType', cast: 'Image', edm: 'Type="Edm.Binary"' },
  File: { attributeType: 'Virtual', typeName: 'FileType', cast: 'File', edm: GUID },
  EntityName: { attributeType: 'EntityName', typeName: 'EntityNameType', cast: 'EntityName', edm: TEXT },
  ManagedProperty: {
    attributeType: 'ManagedProperty',
    typeName: 'ManagedPropertyType',
    cast: 'ManagedProperty',
    edm: 'Type="mscrm.BooleanManagedProperty"',
  },
  Virtual: { attributeType: 'Virtual', typeName: 'VirtualType', cast: null, edm: TEXT },
};

/** Lookup, Customer and Owner columns appear in rows as `_<name>_value`. */
export function isLookupKind(kind: AttributeKind): boolean {
  return kind === 'Lookup' || kind === 'Customer' || kind === 'Owner';
}
