import { expect, test } from 'vitest';
import { columnsOf } from '../../src/dataverse/metadata/columns.ts';
import {
  attributeDefinition,
  labelText,
  type AttributeDetails,
} from '../../src/dataverse/metadata/table-definition.ts';
import type { Column } from '../../src/model/table.ts';

const NOTHING: AttributeDetails = { targets: new Map(), behaviors: new Map() };

function columns(
  definition: object,
  details: Partial<AttributeDetails> = {},
  declared?: readonly string[],
): readonly Column[] {
  const attribute = attributeDefinition.parse({ LogicalName: 'x', ...definition });
  return columnsOf(
    'account',
    { items: [attribute], odd: [] },
    { ...NOTHING, ...details },
    declared === undefined ? undefined : new Set(declared),
  ).columns;
}

const types = (definition: object, details: Partial<AttributeDetails> = {}): string[] =>
  columns(definition, details).map(({ type }) => type);

test.each([
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
])('an attribute of the type %s becomes %s, also where AttributeType says Virtual', (name, type) => {
  expect(types({ AttributeType: 'Virtual', AttributeTypeName: { Value: name } })).toEqual([type]);
});

test('an image is left out unless it is asked for', () => {
  const [image] = columns({ AttributeTypeName: { Value: 'ImageType' } });
  expect(image).toMatchObject({ type: 'text', onRequest: true });
});

test.each(['PartyListType', 'CalendarRulesType', 'VirtualType', 'SomethingNewType'])(
  'an attribute of the type %s makes no column',
  (name) => {
    expect(types({ AttributeTypeName: { Value: name } })).toEqual([]);
  },
);

test.each([
  ['String', 'text'],
  ['Uniqueidentifier', 'uuid'],
  ['Money', 'numeric'],
  ['DateTime', 'timestamptz'],
  ['Lookup', 'uuid'],
])('the older AttributeType %s alone becomes %s', (AttributeType, type) => {
  expect(types({ AttributeType })).toEqual([type]);
});

test.each([
  ['UserLocal', 'timestamptz'],
  ['TimeZoneIndependent', 'timestamp'],
  ['DateOnly', 'date'],
])('a date-time of behaviour %s is %s', (behavior, type) => {
  expect(types({ AttributeType: 'DateTime' }, { behaviors: new Map([['x', behavior]]) })).toEqual([type]);
});

test('a file whose name is not declared is its id alone', () => {
  const file = { AttributeTypeName: { Value: 'FileType' } };
  expect(columns(file, {}, ['x', 'x_name']).map(({ name }) => name)).toEqual(['x', 'x_name']);
  expect(columns(file, {}, ['x']).map(({ name }) => name)).toEqual(['x']);
  expect(columns(file, {}, ['x_name'])).toEqual([]);
});

test('the name of a file is the text attribute that belongs to it, whatever its name', () => {
  const definitions = [
    { LogicalName: 'background_image', AttributeTypeName: { Value: 'FileType' } },
    {
      LogicalName: 'backgroundimage_name',
      AttributeTypeName: { Value: 'StringType' },
      AttributeOf: 'background_image',
    },
  ].map((definition) => attributeDefinition.parse(definition));
  const declared = new Set(['background_image', 'backgroundimage_name']);
  expect(columnsOf('canvasapp', { items: definitions, odd: [] }, NOTHING, declared).columns).toMatchObject([
    { name: 'background_image', property: 'background_image', type: 'uuid' },
    { name: 'background_image_name', property: 'backgroundimage_name', type: 'text', selectable: true },
  ]);
});

test('the declaration in the document overrules the OData flag, but not the denial to read', () => {
  expect(columns({ AttributeType: 'String', IsValidODataAttribute: false }, {}, ['x'])).toHaveLength(1);
  expect(columns({ AttributeType: 'String', IsValidODataAttribute: true }, {}, [])).toEqual([]);
  expect(columns({ AttributeType: 'String', IsValidForRead: false }, {}, ['x'])).toEqual([]);
});

test('the flags decide where the document is missing, in either of their forms', () => {
  expect(columns({ AttributeType: 'String', IsValidODataAttribute: false })).toEqual([]);
  expect(columns({ AttributeType: 'String', IsValidODataAttribute: { Value: false } })).toEqual([]);
  expect(columns({ AttributeType: 'String', IsValidODataAttribute: { Value: true } })).toHaveLength(1);
  expect(columns({ AttributeType: 'String' })).toHaveLength(1);
});

test('an owner or customer of unknown targets may be of several tables, a lookup is of one', () => {
  expect(['Owner', 'Customer', 'Lookup'].map((AttributeType) => columns({ AttributeType }).length)).toEqual([
    2, 2, 1,
  ]);
});

test('a companion column is not asked for by name and carries the label of its attribute', () => {
  const label = { DisplayName: { UserLocalizedLabel: { Label: 'Owner' } } };
  expect(columns({ AttributeType: 'Owner', ...label })).toMatchObject([
    { name: 'x', property: '_x_value', selectable: true, displayName: 'Owner' },
    { name: 'x_entitytype', attribute: 'x', selectable: false, displayName: 'Owner (table)' },
  ]);
});

test('a label is in the language of the caller, else the first one, else missing', () => {
  const localized = [{ Label: 'Konto' }, { Label: 'Compte' }];
  expect(labelText({ UserLocalizedLabel: { Label: 'Account' }, LocalizedLabels: localized })).toBe('Account');
  expect(labelText({ UserLocalizedLabel: null, LocalizedLabels: localized })).toBe('Konto');
  expect(labelText({ UserLocalizedLabel: { Label: '' }, LocalizedLabels: [] })).toBeUndefined();
  expect(labelText(null)).toBeUndefined();
});
