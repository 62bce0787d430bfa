import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readApiError } from '../../src/dataverse/http/api-error.ts';
import { parsePage, parseRow } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import {
  refuseInStreamError,
  refuseErrorInFields,
  InStreamError,
} from '../../src/dataverse/http/in-stream-error.ts';
import { bytesOf } from './page-rows.ts';

const ASKED = { token: 'canary', url: new URL('https://org.crm.dynamics.com/api/data/v9.2/accounts') };
const shape = new RowShape(['accountid', 'error_count', 'faults']);
const ROW = '{"accountid":"1"}';

/** Code and message of the failure that a page tells of; undefined where it is read as a page. */
function toldBy(text: string, read: (bytes: Uint8Array) => unknown): object | undefined {
  try {
    read(bytesOf(text));
    return undefined;
  } catch (error) {
    if (!(error instanceof InStreamError)) throw error;
    const { code, message } = readApiError(200, new Headers(), error.body, 0, ASKED);
    return { code, message };
  }
}

const toldByRow = (text: string): object | undefined => toldBy(text, (bytes) => parseRow(bytes, shape));
const toldByPage = (text: string): object | undefined => toldBy(text, (bytes) => parsePage(bytes, shape));
const toldByJson = (text: string): object | undefined =>
  toldBy(text, (bytes) => refuseInStreamError(JSON.parse(new TextDecoder().decode(bytes))));

const ERROR = '{"code":"0X80044352","message":"expired"}';
const EXPIRED = { code: '0x80044352', message: 'expired' };

/** An error in any other form may quote a row, so nothing of it is passed on. */
const WORDLESS = { code: '', message: 'Its error is not in the form of the Web API.' };

const members: [member: string, told: object][] = [
  [`"error":${ERROR}`, EXPIRED],
  [`"error":{"error":${ERROR}}`, EXPIRED],
  [`"errors":[${ERROR}]`, EXPIRED],
  [`"Error":${ERROR}`, EXPIRED],
  [`"odata.error":${ERROR}`, EXPIRED],
  [`"@odata.error":${ERROR}`, EXPIRED],
  [`"@error":${ERROR}`, EXPIRED],
  ['"@odata.partial":true', WORDLESS],
  [`"value@Core.ResourceException":${ERROR}`, EXPIRED],
  [`"\\u0065rror":${ERROR}`, EXPIRED],
  ['"error":"gone wrong"', WORDLESS],
  ['"error":{}', { code: '', message: expect.any(String) as string }],
  ['"error":true', WORDLESS],
  ['"code":"0x80044352","message":"expired"', EXPIRED],
  ['"Message":"gone wrong"', WORDLESS],
  ['"success":false', WORDLESS],
  ['"@Core.Messages":[{"severity":"error","message":"x"}]', { code: '', message: 'x' }],
];

describe('a page with an error beside its rows', () => {
  test.each(members)('a page with an error beside its rows is not a page: %s', (member, told) => {
    for (const page of [
      `{${member},"value":[${ROW}]}`,
      `{"value":[${ROW}],"@odata.nextLink":"n",${member}}`,
      `{"@odata.deltaLink":"d",${member},"value":[]}`,
    ]) {
      expect(toldByPage(page)).toEqual(told);
      expect(toldByJson(page)).toEqual(told);
    }
  });
});

test.each([
  '"error":null',
  '"@odata.error":null',
  '"errors":[]',
  '"@odata.count":5',
  '"@x.default":1',
  '"a":null',
])('a page with %s is a page', (member) => {
  const page = `{"value":[${ROW}],${member}}`;
  expect([toldByPage(page), toldByJson(page)]).toEqual([undefined, undefined]);
});

describe('a page with an entry that is an error', () => {
  test.each([`{"error":${ERROR}}`, `{"accountid":"1","error":${ERROR}}`, `{"@odata.error":${ERROR}}`])(
    'a page with an entry that is an error is not a page: %s',
    (entry) => {
      for (const entries of [`${entry},${ROW}`, `${ROW},${ROW},${entry}`]) {
        expect(toldByPage(`{"value":[${entries}],"@odata.deltaLink":"d"}`)).toEqual(EXPIRED);
        expect(toldByJson(`{"value":[${entries}]}`)).toEqual(EXPIRED);
      }
      // As a server leaves it that cannot go on.
      expect(toldByPage(`{"value":[${ROW},${entry}`)).toEqual(EXPIRED);
    },
  );

  test.each(['{}', ERROR, '{"@odata.etag":"W/1"}', '1', 'null', '"error"', '[]'])(
    'a page with an entry that has nothing of a row is not a page: %s',
    (entry) => {
      const page = bytesOf(`{"value":[${ROW},${entry}]}`);
      expect(() => parsePage(page, shape)).toThrow(SyntaxError);
    },
  );

  test('a page whose table has columns of such names is a page', () => {
    const page = '{"value":[{"accountid":"1","error_count":2,"faults":"x","errorcode@OData.x":"y"}]}';
    expect(toldByPage(page)).toBeUndefined();
  });
});

test('a single row that is an error is not a row', () => {
  for (const row of [`"error":${ERROR}`, `"accountid":"1","error":${ERROR}`]) {
    expect(toldByRow(`{"@odata.context":"c",${row}}`)).toEqual(EXPIRED);
  }
  for (const row of ['{"@odata.context":"c"}', '{}']) expect(() => toldByRow(row)).toThrow(SyntaxError);
});

test.each([
  `{"value":[${ROW}],"value":[]}`,
  '{"value":[],"@odata.nextLink":"a","@odata.nextLink":"b"}',
  '{"value":[],"@odata.nextLink":"a","@nextLink":"b"}',
  '{"value":[],"@odata.deltaLink":1}',
  '{"value":[],"@odata.nextLink":{}}',
  '{"value":[],"@odata.nextLink":""}',
])('a page that contradicts itself, or has a wrong link, is not a page: %s', (text) => {
  expect(() => parsePage(bytesOf(text), shape)).toThrow(SyntaxError);
});

test('a link is found by its name in any case, and by the name of OData 4.01', () => {
  const page = parsePage(bytesOf('{"value":[],"@nextLink":"a","@odata.NextLink":"a"}'), shape);
  expect(page.link).toEqual({ kind: 'next', url: 'a' });
});

function isRefused(status: number, headers: object, trailers: object, isRead = true): boolean {
  const answer = { status, headers: new Headers({ ...headers }), trailers: new Headers({ ...trailers }) };
  try {
    refuseErrorInFields(answer, isRead);
    return false;
  } catch (error) {
    return error instanceof InStreamError;
  }
}

test('a read is answered only by a 200 without a part or an error in its fields', () => {
  expect(isRefused(200, {}, { digest: 'x' })).toBe(false);
  expect(isRefused(204, {}, {}, false)).toBe(false);
  for (const status of [201, 202, 203, 204, 206, 226]) expect(isRefused(status, {}, {})).toBe(true);
  expect(isRefused(200, { 'content-range': 'bytes 0-99/200' }, {})).toBe(true);
  expect(isRefused(200, {}, { 'odata-error': `{"error":${ERROR}}` })).toBe(true);
  expect(isRefused(200, { 'OData-Error': 'x' }, {})).toBe(true);
  expect(isRefused(204, {}, { 'X-Stream-Error': '1' }, false)).toBe(true);
});

test('any JSON is judged without an error of another kind', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(() => toldByJson(text)).not.toThrow();
    }),
  );
});
