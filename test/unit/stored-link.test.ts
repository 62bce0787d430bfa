import { expect, it } from 'vitest';
import { isLinkOf } from '../../src/dataverse/feed/stored-link.ts';

const API = 'https://org.crm.dynamics.com/api/data/v9.2';

it.each([
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
])('the link %s can be one of accounts: %s', (url, expected) => {
  expect(isLinkOf('accounts', { kind: 'delta', url })).toBe(expected);
});
