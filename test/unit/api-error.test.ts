import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  normalizeCode,
  parseRetryAfter,
  readApiError,
  type ApiError,
} from '../../src/dataverse/http/api-error.ts';

const NOW = Date.UTC(2026, 0, 1);

const TOKEN = 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJ0ZXN0In0.c2lnbmF0dXJlLWNhbmFyeQ';
const URL_ASKED = new URL('https://org.crm.dynamics.com/api/data/v9.2/accounts?$select=accountid,namex');
const ASKED = { token: TOKEN, url: URL_ASKED };
const ID = '0b6e3b6f-5f1d-4f7e-9d52-6f2f4a3b9c01';
const OTHER_ID = '7c1d2a34-0000-4abc-8def-001122334455';

function read(body: string, headers: Record<string, string> = {}, status = 400): ApiError {
  return readApiError(status, new Headers(headers), new TextEncoder().encode(body), NOW, ASKED);
}

test.each([
  ['0x80044352', '0x80044352'],
  ['0X8006088A', '0x8006088a'],
  [' 0x80044352 ', '0x80044352'],
  ['-2147204270', '0x80044352'],
  [-2147204270, '0x80044352'],
  [-2147015902, '0x80072322'],
  ['0', '0x00000000'],
  // Anything else could be a value or a token.
  ['invalid_client', ''],
  ['0x80044352canary', ''],
  ['0x0123456789abcdef', ''],
  ['12345678901234567890', ''],
  ['', ''],
  [undefined, ''],
  [null, ''],
  [{ code: 1 }, ''],
])('the error code %j is read as %j', (code, expected) => {
  expect(normalizeCode(code)).toBe(expected);
});

test('a code is the same code in hexadecimal of either case and in signed decimal', () => {
  fc.assert(
    fc.property(fc.integer(), (code) => {
      const hexadecimal = `0x${(code >>> 0).toString(16).padStart(8, '0')}`;
      for (const form of [code, String(code), hexadecimal, hexadecimal.toUpperCase()]) {
        expect(normalizeCode(form)).toBe(hexadecimal);
      }
    }),
  );
});

test.each([
  ['30', 30_000],
  [' 5 ', 5_000],
  ['0', 0],
  ['1.5', 1_500],
  ['0.0001', 1],
  ['Thu, 01 Jan 2026 00:02:00 GMT', 120_000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
])('a Retry-After of %j is read as %j milliseconds', (value, expected) => {
  expect(parseRetryAfter(value, NOW)).toBe(expected);
});

test('the error body gives code and message, and the headers give the rest', () => {
  const body = '{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit."}}';
  expect(read(body, { 'retry-after': '17', 'x-ms-service-request-id': ID, req_id: OTHER_ID }, 429)).toEqual({
    status: 429,
    code: '0x80072322',
    message: 'Number of requests exceeded the limit.',
    requestId: ID,
    retryAfter: 17_000,
  });
});

test('an error that is not nested, as older parts of the service write it, is read too', () => {
  const error = read('{"Message":"Access is denied.","code":-2147204270}', { REQ_ID: OTHER_ID });
  expect(error).toMatchObject({ code: '0x80044352', message: 'Access is denied.', requestId: OTHER_ID });
});

test.each([
  '',
  '<html><body>Service Unavailable</body></html>',
  '{"error":',
  'null',
  '[]',
  '"text"',
  '{"error":"invalid_client"}',
  '{"error":{"message":{"value":"x"}}}',
  '{"statusCode":429,"message":"Rate limit is exceeded for canary."}',
  `{"error":{"code":"canary"},"message":"canary"}`,
])('the body %j, which is not an error of the Web API, is described by its length alone', (body) => {
  expect(read(body, {}, 503)).toEqual({
    status: 503,
    code: '',
    message: `${body.length} bytes that are no error of the Web API`,
    isForeign: true,
  });
});

test('the values that an error message of the Web API quotes are cut from it', () => {
  const row = 'Contoso canary';
  const quoting = [
    `The token ${TOKEN} is not accepted.`,
    ...TOKEN.split('.').map((part) => `The token (part ${part}) is not accepted.`),
    `Not accepted: ${TOKEN.slice(4, 24)}`,
    `Not accepted: ${encodeURIComponent(`Bearer ${TOKEN}`)}`,
    `Not accepted: ${Buffer.from(`user:${TOKEN}`).toString('base64')}`,
    `Not accepted: ${TOKEN.toUpperCase()}`,
    `Authorization: Bearer canary, of another`,
    `See https://org.crm.dynamics.com/api/data/v9.2/accounts?$deltatoken=canary`,
    `The link accounts?$skiptoken=%3Ccookie%20pagenumber=%222%22%20canary%3E is bad.`,
    `The link %24deltatoken%3Dcanary is bad.`,
    `The value '${row}' is bad.`,
    `The value "${row}" is bad.`,
    `The value “${row}” is bad.`,
    `The value «${row}» is bad.`,
    `The value \`${row}\` is bad.`,
    `The value &quot;${row}&quot; is bad.`,
    `The value &#39;${row}&#39; is bad.`,
    `The value \\u0022${row}\\u0022 is bad.`,
    `The value 'O'Brien's ${row}' is bad.`,
    `The value N'${row}' is bad.`,
    `The value '${row} is bad.`,
    `Cannot insert duplicate key. The duplicate key value is (${row}, <NULL>).`,
    `The row {"name":"${row}","x":1} is bad.`,
    `<pre>${row}</pre>`,
    `The address canary@example.com is bad.`,
    `canary = ${OTHER_ID} does not exist, name=canary`,
  ];
  for (const message of quoting) {
    const error = read(JSON.stringify({ error: { code: '0x80040216', message } }));
    const said = JSON.stringify(error).replace('canary = ', '').toLowerCase();
    const parts = Array.from({ length: TOKEN.length - 9 }, (_, at) => TOKEN.slice(at, at + 10).toLowerCase());
    expect(['canary', OTHER_ID, ...parts].filter((part) => said.includes(part))).toEqual([]);
  }
});

test.each([
  ["Could not find a property named 'namex' on type 'Microsoft.Dynamics.CRM.account'.", "named 'namex'"],
  ["Resource not found for the segment 'accounts'.", "segment 'accounts'."],
  ['Number of requests exceeded the limit of 6000 over time window of 300 seconds.', '6000 over time window'],
  ["The organization's row(s) can't be read.", "The organization's row(s) can't be read."],
  [
    `Principal user (Id=${ID}, type=8) is missing prvReadAccount privilege (Id=${ID}) on OTC=1 for entity 'account'.`,
    'is missing prvReadAccount privilege',
  ],
])('the part of a message that a person needs is kept: %j', (message, kept) => {
  expect(read(JSON.stringify({ error: { code: '0x80060888', message } })).message).toContain(kept);
});

test('a message is read quickly, whatever it is made of', () => {
  const begun = performance.now();
  for (const piece of ['(', '[{(<', '/', '"', "'", 'a@', '$a=', '%41', '&#65;', '1a', '…-']) {
    read(JSON.stringify({ error: { code: '0x1', message: piece.repeat(1_000_000) } }));
  }
  expect(performance.now() - begun).toBeLessThan(5_000);
});

function ids(value: string): string | undefined {
  return read('', { 'x-ms-service-request-id': value }).requestId;
}

test('a request id is kept if it has the form of one and is no part of the token', () => {
  expect(ids(`${ID}, ${OTHER_ID}`)).toBe(`${ID}, ${OTHER_ID}`);
  expect(ids(`Bearer ${TOKEN}`)).toBeUndefined();
  expect(ids(`${ID}, canary`)).toBe(ID);
  const headers = new Headers({ 'x-ms-service-request-id': ID });
  expect(
    readApiError(500, headers, new Uint8Array(), NOW, { ...ASKED, token: ID }).requestId,
  ).toBeUndefined();
});

test('a body that is not text is read without an error', () => {
  const error = readApiError(500, new Headers(), new Uint8Array([0xff, 0xfe, 0x00]), NOW, ASKED);
  expect(error).toMatchObject({ status: 500, code: '' });
});

test('a message is cut where it is longer than anyone reads', () => {
  const error = read(JSON.stringify({ error: { code: '0x1', message: 'x '.repeat(100_000) } }));
  expect(error.message).toHaveLength(2_000);
});

test.each(['-5', '-1', '1e9', 'soon', '5 minutes', 'Infinity', '0x10', 'March 7'])(
  'a Retry-After of %j names no time',
  (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  },
);

test("a date in Retry-After is read by the server's own clock", () => {
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
  const later = 'Sun, 06 Nov 1994 08:50:07 GMT';
  expect(read('', { date, 'retry-after': later }, 429)).toMatchObject({ retryAfter: 30_000 });
  expect(read('', { date: later, 'retry-after': date }, 429)).toMatchObject({ retryAfter: 0 });
});

test('the obsolete forms of a date are read as well', () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 7);
  expect(parseRetryAfter('Sunday, 06-Nov-94 08:49:37 GMT', now)).toBe(30_000);
  expect(parseRetryAfter('Sun Nov  6 08:49:37 1994', now)).toBe(30_000);
});
