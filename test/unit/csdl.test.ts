import { expect, test } from 'vitest';
import { readCsdl } from '../../src/dataverse/metadata/csdl.ts';
import { fixtureText } from './fixture.ts';

const types = readCsdl(fixtureText('metadata.xml'));
const has = (type: string, property: string): boolean => types.get(type)?.has(property) === true;

const wrap = (inner: string): string =>
  `<Edmx><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm">${inner}</Schema></Edmx>`;

test('the entity types of the document are all there', () => {
  expect([...types.keys()].sort()).toEqual([
    'account',
    'activitypointer',
    'contact',
    'crmbaseentity',
    'principal',
    'task',
    'team',
  ]);
});

test('an activity has what its base type declares', () => {
  for (const property of [
    'activityid',
    'subject',
    'statecode',
    '_regardingobjectid_value',
    'versionnumber',
  ]) {
    expect(has('activitypointer', property)).toBe(true);
    expect(has('task', property)).toBe(true);
  }
  expect(has('task', 'percentcomplete')).toBe(true);
  expect(has('activitypointer', 'percentcomplete')).toBe(false);
});

test('a team has the key of its base type and its own', () => {
  expect(has('team', 'ownerid')).toBe(true);
  expect(has('team', 'teamid')).toBe(true);
  expect(has('account', 'ownerid')).toBe(false);
  expect(has('account', '_ownerid_value')).toBe(true);
});

test('navigation properties, keys and complex types declare no column', () => {
  expect(fixtureText('metadata.xml')).toContain('Name="CanBeChanged"');
  for (const properties of types.values()) expect(properties).not.toContain('CanBeChanged');
  const xml = wrap(
    '<EntityType Name="a"><Key><PropertyRef Name="k"/></Key><Property Name="p"/><NavigationProperty Name="n"/></EntityType><ComplexType Name="c"><Property Name="x"/></ComplexType>',
  );
  expect([...(readCsdl(xml).get('a') ?? [])]).toEqual(['p']);
});

test('a property in two steps of inheritance is there, whatever the order of the types', () => {
  const xml = wrap(
    '<EntityType Name="c" BaseType="mscrm.b"><Property Name="z"/></EntityType><EntityType Name="b" BaseType="Microsoft.Dynamics.CRM.a"/><EntityType Name="a"><Property Name="x"/></EntityType>',
  );
  expect([...(readCsdl(xml).get('c') ?? [])].sort()).toEqual(['x', 'z']);
});

test('base types that are missing or go in a circle are no endless loop', () => {
  const xml = wrap(
    '<EntityType Name="a" BaseType="m.b"><Property Name="x"/></EntityType><EntityType Name="b" BaseType="m.a"/><EntityType Name="c" BaseType="m.none"/>',
  );
  const read = readCsdl(xml);
  expect([...(read.get('b') ?? [])]).toEqual(['x']);
  expect([...(read.get('c') ?? [])]).toEqual([]);
});

test.each([
  '',
  'not xml',
  '{"error":{}}',
  '<Edmx><Schema></Edmx>',
  fixtureText('metadata.xml').slice(0, 9_999),
])('a document cut or garbled is refused', (xml) => {
  expect(() => readCsdl(xml)).toThrow(Error);
});
