import { expect, test } from 'vitest';
import { isLinkOf, standsForLastPage, wentBack } from '../../src/dataverse/feed/links.ts';
import type { Link } from '../../src/model/page.ts';

const deltaLink = (version: string): string =>
  `https://org/api/data/v9.2/accounts?$select=name&$deltatoken=${version}%2108%2f22%2f2017%2008%3a10%3a44`;

function nextLink(version: string): string {
  const inner = `<cookie page="1" maxTimestamp="${version}"><accountid last="{1}" first="{2}" /></cookie>`;
  const cookie = `<cookie pagenumber="2" pagingcookie="${encodeURIComponent(encodeURIComponent(inner))}" istracking="True" />`;
  return `https://org/api/data/v9.2/accounts?$select=name&$skiptoken=${encodeURIComponent(cookie)}`;
}

test('a link that goes on from the version at which the load was fixed stands for the first page', () => {
  expect(standsForLastPage(nextLink('919042'), deltaLink('919042'))).toBe(false);
});

test('a link that goes on from a later version stands for the last page', () => {
  expect(standsForLastPage(nextLink('919042'), deltaLink('919058'))).toBe(true);
});

test('versions beyond what a JavaScript number holds are told apart', () => {
  expect(standsForLastPage(nextLink('9007199254740992'), deltaLink('9007199254740993'))).toBe(true);
  expect(standsForLastPage(nextLink('9007199254740993'), deltaLink('9007199254740993'))).toBe(false);
});

test('links of another form lead to no conclusion about pages', () => {
  const opaque = 'https://org/api/data/v9.2/accounts?$skiptoken=abc';
  expect(standsForLastPage(opaque, deltaLink('5'))).toBe(false);
  expect(standsForLastPage(nextLink('5'), 'https://org/api/data/v9.2/accounts?$deltatoken=abc')).toBe(false);
  expect(standsForLastPage('https://org/%', 'https://org/%zz')).toBe(false);
});

const asLink = (kind: 'next' | 'delta', url: string): Link => ({ kind, url });

test('a link that goes on from an earlier version than the followed link means that the environment went back', () => {
  const followed = asLink('delta', deltaLink('919058'));
  expect(wentBack(followed, asLink('delta', deltaLink('919042')))).toBe(true);
  expect(wentBack(followed, asLink('next', nextLink('919042')))).toBe(true);
  expect(wentBack(asLink('next', nextLink('919058')), asLink('delta', deltaLink('919042')))).toBe(true);
  expect(wentBack(followed, asLink('delta', deltaLink('919058')))).toBe(false);
  expect(wentBack(followed, asLink('next', nextLink('919059')))).toBe(false);
});

test('links of another form lead to no conclusion about time', () => {
  const opaque = asLink('delta', 'https://org/api/data/v9.2/accounts?$deltatoken=abc');
  expect(wentBack(asLink('delta', deltaLink('5')), opaque)).toBe(false);
  expect(wentBack(opaque, asLink('delta', deltaLink('5')))).toBe(false);
});

const API = 'https://org.crm.dynamics.com/api/data/v9.2';

test.each([
  [`${API}/accounts?$select=name,telephone1&$deltatoken=919058%2108%2f22%2f2017%2008%3a21%3a20`, true],
  [`${API}/accounts?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E`, true],
  [`${API}/accounts?%24deltatoken=1`, true],
  // Of another environment: refused by name when it is followed.
  ['https://elsewhere.example/api/data/v9.2/accounts?$deltatoken=1', true],
  [`${API}/contacts?$select=fullname&$deltatoken=1`, false],
  [`${API}/accounts?$select=name`, false],
  [`${API}/accounts?$deltatoken=`, false],
  [`${API}/accounts(1)/contacts?$deltatoken=1`, false],
  ['https://org.crm.dynamics.com/nonsense', false],
  // Relative, as earlier versions stored some.
  ['accounts?$deltatoken=1', true],
  ['/api/data/v9.2/accounts?$deltatoken=1', true],
  ['contacts?$deltatoken=1', false],
  ['accounts', false],
  ['garbled', false],
  ['', false],
])('the link %s can be a link of the entity set accounts: %s', (url, expected) => {
  expect(isLinkOf('accounts', { kind: 'delta', url })).toBe(expected);
});
