import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownUrl } from '../../src/dataverse/http/origin.ts';
import { failureOf } from './failing.ts';
import { fixtureJson } from './fixture.ts';

const HOST = 'contoso.crm.dynamics.com';
const ORIGIN = `https://${HOST}`;
const BASE = `${ORIGIN}/api/data/v9.2/`;

test.each([
  `https://evil.example/api/data/v9.2/accounts`,
  `https://${HOST}.evil.example/`,
  `https://evil${HOST}/`,
  `https://${HOST}:444/`,
  `http://${HOST}/`,
  `http://${HOST}:443/`,
  `ftp://${HOST}/`,
  `ws://${HOST}/`,
  'javascript:alert(1)',
  'data:application/json,{"value":[]}',
  'file:///etc/passwd',
  `blob:${ORIGIN}/a`,
  `filesystem:${ORIGIN}/a`,
  '//evil.example/x',
  '\\\\evil.example/x',
  '/\\evil.example',
  'https:/\\evil.example',
  'https:\\\\evil.example',
  'https:/\t/evil.example',
  ' //evil.example',
  '\n//evil.example',
  'https://evil.example\\@contoso.crm.dynamics.com/',
  `https://${HOST}@evil.example/`,
  `${ORIGIN}:443@evil.example/`,
  `https://user@${HOST}/`,
  `https://user:secret@${HOST}/`,
  `https://:secret@${HOST}/`,
  `https://${HOST}.`,
  `https://contoso.crm\u3002dynamics.com.evil.example/`,
  'https://[::1]/',
  'https://',
  'https:///',
  'http://[bad',
])('the link %j makes no request', (link) => {
  for (const base of [ORIGIN, BASE]) {
    const failure = failureOf(() => ownUrl(link, ORIGIN, base));
    expect(failure).toMatchObject({ code: 'foreign-link', reaction: 'stop-table' });
    expect(failure.message).not.toContain('secret');
  }
});

test('a link is refused or goes to the environment without credentials, whatever it contains', () => {
  const piece = fc.constantFrom(
    'https:',
    'http:',
    '/',
    '\\',
    '//',
    '@',
    ':',
    '?',
    '#',
    '.',
    ' ',
    '\t',
    '%2f',
    HOST,
    'evil.example',
    'user',
    '443',
    '80',
    'blob:',
    '[',
    ']',
    '\u3002',
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      let url: URL;
      try {
        url = ownUrl(pieces.join(''), ORIGIN, BASE);
      } catch {
        refused++;
        return;
      }
      expect(url.href.startsWith(`${ORIGIN}/`)).toBe(true);
      expect(new URL(url.href).host).toBe(HOST);
      expect(url.username + url.password).toBe('');
    }),
    { numRuns: 5_000 },
  );
  expect(refused).toBeGreaterThan(0);
});

test('every documented and live link is followed byte for byte', () => {
  const text = JSON.stringify(fixtureJson('paging-docs.json')).replaceAll('[Organization URI]', ORIGIN);
  const links = [...text.matchAll(/"(?:@odata\.)?nextLink":"([^" ]+)"/g)].map((match) =>
    (match[1] ?? '').replace(/^https:\/\/[^/]+/, ORIGIN),
  );
  expect(links).toHaveLength(3);
  for (const link of links) {
    expect(link).toContain('%253ccookie%2520page%253d%25221%2522');
    expect(ownUrl(link, ORIGIN).href).toBe(link);
  }
});

test('a delta token keeps its percent escapes and their case', () => {
  const link = `${BASE}contacts?$select=fullname,lastname&$deltatoken=4949752%2110%2f20%2f2023%2014%3a55%3a21`;
  expect(ownUrl(link, ORIGIN).href).toBe(link);
});

test('a path is taken from the base', () => {
  expect(ownUrl('accounts?$select=name', ORIGIN, BASE).href).toBe(`${BASE}accounts?$select=name`);
  expect(ownUrl('/other', ORIGIN, BASE).href).toBe(`${ORIGIN}/other`);
});

test('the default port and the case of the host make no other origin, and another port makes one', () => {
  expect(ownUrl(`https://${HOST.toUpperCase()}:443/x`, ORIGIN).href).toBe(`${ORIGIN}/x`);
  const loopback = 'http://127.0.0.1:8080';
  expect(ownUrl(`${loopback}/x`, loopback).href).toBe(`${loopback}/x`);
  expect(failureOf(() => ownUrl('http://127.0.0.1:8081/x', loopback)).code).toBe('foreign-link');
});

test('a link on premises stays below the organization, however it is written', () => {
  const address = 'https://crm.contoso.com/sales';
  const root = `${address}/api/data/v9.1/`;
  expect(ownUrl('accounts', address, root).href).toBe(`${root}accounts`);
  expect(ownUrl(`https://crm.contoso.com/Sales/api/data/v9.1/accounts`, address, root).pathname).toBe(
    '/Sales/api/data/v9.1/accounts',
  );
  for (const link of [
    'https://crm.contoso.com/api/data/v9.1/accounts',
    'https://crm.contoso.com/sales2/api/data/v9.1/accounts',
    'https://crm.contoso.com/sales/../other/api/data/v9.1/accounts',
    'https://crm.contoso.com/sales/%2e%2e/other/api/data/v9.1/accounts',
    'https://crm.contoso.com/sales/..%2Fother/api/data/v9.1/accounts',
    'https://crm.contoso.com/sales/..%5cother/api/data/v9.1/accounts',
    '/other/api/data/v9.1/accounts',
    '../../../../other/accounts',
  ]) {
    expect(failureOf(() => ownUrl(link, address, root)).code).toBe('foreign-link');
  }
});
