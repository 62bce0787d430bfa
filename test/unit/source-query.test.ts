import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { sourceUrl } from '../../src/operations/source-query.ts';

const ORIGIN = 'https://contoso.crm.dynamics.com';
const API = `${ORIGIN}/api/data/v9.2/`;
const CLIENT = { origin: ORIGIN, root: API };
const ON_PREMISES = {
  origin: 'https://crm.contoso.com/sales',
  root: 'https://crm.contoso.com/sales/api/data/v9.1/',
};

test.each([
  ['accounts', `${API}accounts`],
  [' WhoAmI ', `${API}WhoAmI`],
  ['/api/data/v9.1/accounts', `${ORIGIN}/api/data/v9.1/accounts`],
  [`${API}accounts`, `${API}accounts`],
  ["accounts?$filter=name eq 'A #1'", `${API}accounts?$filter=name%20eq%20%27A%20%231%27`],
  ['accounts?fetchXml=%3Cfetch/%3E', `${API}accounts?fetchXml=%3Cfetch/%3E`],
])('the path %j means an address of the environment', (path, url) => {
  expect(sourceUrl(path, CLIENT)).toBe(url);
});

test.each([
  'https://evil.example/api/data/v9.2/accounts',
  '//evil.example/api/data',
  String.raw`\\evil.example/api/data`,
  '/accounts',
  '../../../admin',
  'https://user:word@contoso.crm.dynamics.com/api/data/v9.2/accounts',
  'http://contoso.crm.dynamics.com/api/data/v9.2/accounts',
  'https://contoso.crm.dynamics.com:8443/api/',
  'javascript:alert(1)',
  'blob:https://contoso.crm.dynamics.com/api/',
])('the path %j means no address of the environment', (path) => {
  expect(sourceUrl(path, CLIENT)).toBeUndefined();
});

test('a path never means another host than that of the environment', () => {
  const part = constantFrom(
    '/',
    '\\',
    '..',
    ':',
    '@',
    '//evil.example',
    'https:',
    'api',
    '?',
    '#',
    'a',
    '\t',
  );
  assert(
    property(array(part, { maxLength: 8 }), (parts) => {
      const url = new URL(sourceUrl(parts.join(''), CLIENT) ?? ORIGIN);
      expect(url).toMatchObject({ origin: ORIGIN, username: '', password: '' });
    }),
  );
});

test('a path on premises stays below the organization, and means the version of the Web API that is configured', () => {
  expect(sourceUrl('accounts', ON_PREMISES)).toBe(`${ON_PREMISES.root}accounts`);
  expect(sourceUrl('/api/data/v8.2/accounts', ON_PREMISES)).toBe(
    'https://crm.contoso.com/sales/api/data/v8.2/accounts',
  );
  for (const path of [
    '../../../../other/api/data/v9.1/accounts',
    'https://crm.contoso.com/other/api/data/v9.1/a',
  ]) {
    expect(sourceUrl(path, ON_PREMISES)).toBeUndefined();
  }
});

test('FetchXML arrives as it was written', () => {
  const xml = `<fetch top="3">\n  <entity name='account'><condition value="%A&amp;B+#1"/></entity></fetch>`;
  const url = new URL(sourceUrl(`accounts?fetchXml=${xml}`, CLIENT) ?? '');
  expect(url.searchParams.get('fetchXml')).toBe(xml);
});
