import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  normalizeCode,
  parseRetryAfter,
  readApiError,
  type ApiError,
} from '../../src/dataverse/api-error.ts';

const NOW = Date.UTC(2026, 0, 1);

function read(body: string, headers: Record<string, string> = {}, status = 400): ApiError {
  return readApiError(status, new Headers(headers), new TextEncoder().encode(body), NOW);
}

test.each([
  ['0x80044352', '0x80044352'],
  ['0X8006088A', '0x8006088a'],
  [' 0x80044352 ', '0x80044352'],
  ['-2147204270', '0x80044352'],
  [-2147204270, '0x80044352'],
  [-2147015902, '0x80072322'],
  ['0', '0x00000000'],
  ['invalid_client', 'invalid_client'],
  ['', ''],
  [undefined, ''],
  [null, ''],
  [{ code: 1 }, ''],
])('the code %j is %j', (code, expected) => {
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
])('Retry-After %j is %j milliseconds', (value, expected) => {
  expect(parseRetryAfter(value, NOW)).toBe(expected);
});

test('an error body gives its code and its message, the headers the rest', () => {
  const body = '{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit."}}';
  expect(read(body, { 'retry-after': '17', 'x-ms-service-request-id': 'r-1', req_id: 'r-2' }, 429)).toEqual({
    status: 429,
    code: '0x80072322',
    message: 'Number of requests exceeded the limit.',
    body,
    requestId: 'r-1',
    retryAfter: 17_000,
  });
});

test('an error that is not nested, as older parts write it, is read too', () => {
  const error = read('{"Message":"Access is denied.","code":-2147204270}', { REQ_ID: 'r-2' });
  expect(error).toMatchObject({ code: '0x80044352', message: 'Access is denied.', requestId: 'r-2' });
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
])('the body %j names neither code nor message', (body) => {
  expect(read(body, {}, 503)).toEqual({
    status: 503,
    code: '',
    message: 'HTTP 503 without an error body',
    body,
    ...(body.startsWith('{"error":"') || body.startsWith('{"error":{') ? {} : { isForeign: true }),
  });
});

test('a body that is no text at all is read without an error', () => {
  const error = readApiError(500, new Headers(), new Uint8Array([0xff, 0xfe, 0x00]), NOW);
  expect(error).toMatchObject({ status: 500, code: '' });
});

test('message and body are cut where they are longer than anyone reads', () => {
  const error = read(JSON.stringify({ error: { code: '0x1', message: 'x'.repeat(100_000) } }));
  expect(error.message).toHaveLength(2_000);
  expect(error.body).toHaveLength(8_000);
});

test.each(['-5', '-1', '1e9', 'soon', '5 minutes', 'Infinity', '0x10', 'March 7'])(
  'Retry-After %j names no time',
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
