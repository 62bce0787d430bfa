import { expect, test } from 'vitest';
import { columnsOf } from '../../src/dataverse/metadata/columns.ts';
import { readCsdl } from '../../src/dataverse/metadata/csdl.ts';
import {
  attributeDefinition,
  dateTimeDetail,
  lookupDetail,
  type AttributeDetails,
} from '../../src/dataverse/metadata/table-definition.ts';
import { fixtureJson, fixtureText } from './fixture.ts';

const csdl = readCsdl(fixtureText('metadata.xml'));

/** What only the casts tell, out of the whole definitions of the fixture. */
function detailsOf(definitions: readonly unknown[]): AttributeDetails {
  const lookups = definitions.map((definition) => lookupDetail.parse(definition));
  const dates = definitions.map((definition) => dateTimeDetail.parse(definition));
  return {
    targets: new Map(lookups.flatMap((one) => (one.Targets ? [[one.LogicalName, one.Targets]] : []))),
    behaviors: new Map(dates.map((one) => [one.LogicalName, one.DateTimeBehavior?.Value ?? ''])),
  };
}

/** The columns of a fixture that are mirrored unless somebody asks for more, each as `type property`. */
function mirrored(fixture: string, declared: ReadonlySet<string> | undefined): Map<string, string> {
  const definitions = fixtureJson(fixture) as unknown[];
  const attributes = definitions.map((definition) => attributeDefinition.parse(definition));
  const sorted = { items: attributes, odd: [] };
  const read = columnsOf('account', sorted, detailsOf(definitions), declared);
  const columns = read.columns.filter(({ onRequest }) => onRequest !== true);
  expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
  return new Map(columns.map(({ name, type, property }) => [name, `${type} ${property}`]));
}

const account = mirrored('attributes-account.json', csdl.get('account'));
const contact = mirrored('attributes-contact.json', csdl.get('contact'));
const task = mirrored('attributes-task.json', csdl.get('task'));
const team = mirrored('attributes-team.json', csdl.get('team'));
const several = mirrored('attributes-of-several-tables.json', undefined);

test.each([
  ['accountid', 'uuid accountid'],
  ['name', 'text name'],
  ['description', 'text description'],
  ['numberofemployees', 'integer numberofemployees'],
  ['industrycode', 'integer industrycode'],
  ['statecode', 'integer statecode'],
  ['statuscode', 'integer statuscode'],
  ['versionnumber', 'bigint versionnumber'],
  ['exchangerate', 'numeric exchangerate'],
  ['revenue', 'numeric revenue'],
  ['revenue_base', 'numeric revenue_base'],
  ['address1_latitude', 'double address1_latitude'],
  ['donotemail', 'boolean donotemail'],
  ['createdon', 'timestamptz createdon'],
  ['address1_addressid', 'uuid address1_addressid'],
  ['parentaccountid', 'uuid _parentaccountid_value'],
  ['transactioncurrencyid', 'uuid _transactioncurrencyid_value'],
])('the attribute account.%s becomes the column %s', (name, expected) => {
  expect(account.get(name)).toBe(expected);
});

test('a lookup with several target tables has a companion column, one with a single target has none', () => {
  const annotation = '@Microsoft.Dynamics.CRM.lookuplogicalname';
  expect(account.get('ownerid')).toBe('uuid _ownerid_value');
  expect(account.get('ownerid_entitytype')).toBe(`text _ownerid_value${annotation}`);
  expect(contact.get('parentcustomerid')).toBe('uuid _parentcustomerid_value');
  expect(contact.get('parentcustomerid_entitytype')).toBe(`text _parentcustomerid_value${annotation}`);
  expect(task.get('regardingobjectid_entitytype')).toBe(`text _regardingobjectid_value${annotation}`);
  expect([...account.keys()].filter((name) => name.endsWith('_entitytype'))).toEqual(['ownerid_entitytype']);
});

test('a date of birth is a date, a UserLocal moment is not', () => {
  expect(contact.get('birthdate')).toBe('date birthdate');
  expect(contact.get('anniversary')).toBe('date anniversary');
  expect(contact.get('createdon')).toBe('timestamptz createdon');
});

test('an activity keeps what its attribute flags deny and its base type declares', () => {
  const flags = fixtureJson('attributes-task.json') as {
    LogicalName: string;
    IsValidODataAttribute: boolean;
  }[];
  for (const name of [
    'activityid',
    'subject',
    'statecode',
    'scheduledend',
    'regardingobjectid',
    'versionnumber',
  ]) {
    expect(flags.find(({ LogicalName }) => LogicalName === name)?.IsValidODataAttribute).toBe(false);
    expect(task.has(name)).toBe(true);
  }
  expect(task.get('percentcomplete')).toBe('integer percentcomplete');
});

test('a team is keyed by teamid although its type inherits the key ownerid', () => {
  expect(team.get('teamid')).toBe('uuid teamid');
  expect(team.get('administratorid')).toBe('uuid _administratorid_value');
});

test('label companions, images and attributes that are not readable are no columns', () => {
  for (const name of [
    'owneridname',
    'statecodename',
    'parentaccountidname',
    'donotemailname',
    'entityimage',
  ]) {
    expect(account.has(name)).toBe(false);
  }
  for (const name of ['entityimage_url', 'entityimage_timestamp', 'isprivate'])
    expect(account.has(name)).toBe(false);
  for (const name of ['password', 'oauthaccesstoken', 'isprivate']) expect(several.has(name)).toBe(false);
});

test('every column is one that the document declares, or an annotation', () => {
  for (const [table, columns] of Object.entries({ account, contact, task, team })) {
    const properties = [...columns.values()].map((text) => text.split(' ')[1] ?? '');
    const undeclared = properties.filter((property) => csdl.get(table)?.has(property) !== true);
    expect(undeclared.filter((property) => !property.includes('@'))).toEqual([]);
  }
});

test('a column with upper case in its name keeps it', () => {
  expect(several.get('deltaLakePath')).toBe('text deltaLakePath');
});

test('a file is its id and its name', () => {
  expect(several.get('sb_invoice')).toBe('uuid sb_invoice');
  expect(several.get('sb_invoice_name')).toBe('text sb_invoice_name');
});

test('managed properties are booleans, party lists no columns, customers have a companion', () => {
  expect(several.get('canbedeleted')).toBe('boolean canbedeleted');
  expect(several.has('requiredattendees')).toBe(false);
  expect(several.has('customerid_entitytype')).toBe(true);
});
