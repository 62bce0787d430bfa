import { expect, test } from 'vitest';
import { columnNamed } from '../../src/emulator/definitions/emulated-table.ts';
import { isInRows } from '../../src/emulator/definitions/column.ts';
import { parseExactJson, exactJson } from '../../src/emulator/metadata/exact-json.ts';
import { userText } from '../../src/emulator/definitions/metadata-members.ts';
import { recordedTable as tableOf } from '../../src/emulator/recorded/recorded-table.ts';
import { recordedTable, recordedTables } from '../support/recorded.ts';

const ALL = [...recordedTables().values()];
const THING = { LogicalName: 'thing', EntitySetName: 'things', PrimaryIdAttribute: 'thingid' };

function kindOf(attribute: Record<string, unknown>): string | undefined {
  return tableOf({ ...THING, Attributes: [{ LogicalName: 'a', ...attribute }] }).columns[0]?.kind;
}

test('the kind comes from AttributeTypeName, else from AttributeType, else from the derived type', () => {
  expect(kindOf({ AttributeType: 'Virtual', AttributeTypeName: { Value: 'FileType' } })).toBe('File');
  expect(kindOf({ AttributeType: 'Memo', AttributeTypeName: null })).toBe('Memo');
  const multiSelect = '#Microsoft.Dynamics.CRM.MultiSelectPicklistAttributeMetadata';
  expect(kindOf({ '@odata.type': multiSelect, AttributeType: 'Virtual', AttributeTypeName: null })).toBe(
    'MultiSelectPicklist',
  );
  expect(kindOf({ AttributeType: 'Virtual', AttributeTypeName: null })).toBe('Virtual');
  expect(kindOf({ AttributeTypeName: { Value: 'CalendarRulesType' } })).toBe('Virtual');
});

test('a table is tracked unless it is virtual or says otherwise', () => {
  const untracked = ALL.filter((table) => !table.changeTrackingEnabled).map((table) => table.logicalName);
  expect(untracked).toEqual(['aaduser']);
  expect(recordedTable('aaduser').tableType).toBe('Virtual');
  expect(tableOf({ ...THING, ChangeTrackingEnabled: false }).changeTrackingEnabled).toBe(false);
});

test('an activity carries what it inherits, file names among it, and no label companions', () => {
  const email = recordedTable('email');
  const inRows = (name: string): boolean =>
    email.columns.some((each) => each.logicalName === name && isInRows(each));
  for (const name of ['activityid', 'subject', 'statecode', 'regardingobjectid', 'descriptionblobid_name']) {
    expect([name, columnNamed(email, name)?.isInherited, inRows(name)]).toEqual([name, true, true]);
    expect(columnNamed(email, name)?.isValidODataAttribute).toBe(false);
  }
  for (const name of ['createdbyname', 'to', 'messageiddupcheck']) {
    expect([name, inRows(name)]).toEqual([name, false]);
  }
  expect(recordedTable('activitypointer').columns.some((column) => column.isInherited)).toBe(false);
});

test('labels keep their languages, and texts are shown in the language of the caller', () => {
  const label = columnNamed(recordedTable('sb_travelrequest'), 'createdon')?.displayName ?? null;
  expect(userText(label)).toBe('Created On');
  const many = ALL.flatMap((table) => table.columns.map((column) => column.displayName))
    .flatMap((each) => (each !== null && 'LocalizedLabels' in each ? [each.LocalizedLabels] : []))
    .map((labels) => (labels ?? []).map((each) => each.LanguageCode).join());
  const languages = ['', '1033', '1033,1036,3082', '1030,1053,1033,1044', '1030,1053,1033,1044,1045,1031'];
  expect(new Set(many)).toEqual(new Set(languages));
  expect(userText({ LocalizedLabels: [], UserLocalizedLabel: null })).toBeNull();
});

test('the limits of a number are kept to the last digit', () => {
  const limits = columnNamed(recordedTable('contact.264'), 'versionnumber');
  expect(limits?.maxValue).toBe('9223372036854775807');
  const text = '{"a":-922337203685477.0,"b":9223372036854775807,"c":1,"d":"1.0","e":[1e3]}';
  expect(exactJson(parseExactJson(text))).toBe(text);
});

test('an N:N table knows the tables at its ends', () => {
  const table = tableOf({
    ...THING,
    IsIntersect: true,
    ManyToManyRelationships: [
      { IntersectEntityName: 'other', Entity1LogicalName: 'x', Entity2LogicalName: 'y' },
      { IntersectEntityName: 'thing', Entity1LogicalName: 'lead', Entity2LogicalName: 'product' },
    ],
  });
  expect(table.intersects).toEqual(['lead', 'product']);
});

test.each([{}, null, 'text', { EntityMetadata: { LogicalName: 'a' } }])(
  'a document %j is not a table',
  (document) => {
    expect(() => tableOf(document)).toThrow(TypeError);
  },
);
