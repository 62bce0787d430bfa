import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { classify, networkCode, throttleWait, transientDelay } from '../../src/dataverse/http/retry.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test.each([
  [429, '', 'throttled'],
  [429, '0x80044352', 'throttled'],
  [503, '0x80072322', 'throttled'],
  [400, '0x80072326', 'throttled'],
  [401, '', 'unauthorized'],
  [408, '', 'transient'],
  [500, '', 'transient'],
  [502, '', 'transient'],
  [503, '', 'transient'],
  [504, '', 'transient'],
  [400, '0x80044151', 'transient'],
  [400, '0x80048543', 'transient'],
  [400, '', 'final'],
  [403, '', 'final'],
  [404, '', 'final'],
  [410, '', 'final'],
  [412, '', 'final'],
  [501, '', 'final'],
] as const)('an answer %d %s is %s', (status, code, verdict) => {
  expect(classify({ status, code })).toBe(verdict);
});

test.each([
  '0x80044352', // The link has expired.
  '0x80072491', // Change tracking is off.
  '0x80072492',
  '0x80040220', // A privilege is missing.
  '0x80048306',
  '0x80072560', // The identity is no user.
  '0x80040225',
])('the code %s is final even where a front end reports it as 500', (code) => {
  expect(classify({ status: 500, code })).toBe('final');
});

test('the code of a broken connection is found however deep it lies', () => {
  const socket = Object.assign(new Error('read'), { code: 'ECONNRESET' });
  expect(networkCode(socket)).toBe('ECONNRESET');
  expect(networkCode(new TypeError('fetch failed', { cause: socket }))).toBe('ECONNRESET');
  const both = new AggregateError([socket, new Error('other')]);
  expect(networkCode(new TypeError('fetch failed', { cause: both }))).toBe('ECONNRESET');
});

test('an error without such a code in its causes has none', () => {
  const own = Object.assign(new Error('x'), { code: 'ERR_INVALID_URL' });
  for (const error of [own, new TypeError('x'), new AggregateError([]), 'ECONNRESET', undefined]) {
    expect(networkCode(error)).toBeUndefined();
  }
});

test('a chain of causes that leads back to itself comes to an end', () => {
  const error = new Error('x');
  error.cause = error;
  expect(networkCode(error)).toBeUndefined();
});

test('a request is repeated after one second, doubling to sixty, and the second half of each rest is random', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), random, (retry, part) => {
      const full = Math.min(60_000, 1_000 * 2 ** (retry - 1));
      const delay = transientDelay({}, retry, part);
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
    }),
  );
  expect([1, 2, 3].map((retry) => transientDelay({}, retry, 0.5))).toEqual([750, 1_500, 3_000]);
});

test('a request after passing trouble is not repeated before the server allows it, but after a minute at most', () => {
  expect(transientDelay({ retryAfter: 100 }, 3, 0)).toBe(transientDelay({}, 3, 0));
  expect(transientDelay({ retryAfter: 30_000 }, 3, 0)).toBe(30_000);
  expect(transientDelay({ retryAfter: 3_600_000 }, 1, 0)).toBe(60_000);
});

test('the pause after a 429 is what the server asked for, within reason', () => {
  expect(throttleWait({ retryAfter: 17_000 }, 1, 0)).toBe(17_000);
  expect(throttleWait({ retryAfter: 0 }, 1, 0)).toBe(50);
  expect(throttleWait({ retryAfter: 10 ** 9 }, 1, 0)).toBe(3_600_000);
});

test('a 429 that names no time pauses longer each time', () => {
  const pauses = [1, 2, 3, 4].map((retry) => throttleWait({}, retry, 0));
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
});

test('a 429 that says zero seconds again and again gets more time each time', () => {
  const pauses = [1, 2, 3, 30].map((retry) => throttleWait({ retryAfter: 0 }, retry, 0));
  expect(pauses).toEqual([50, 100, 200, 60_000]);
});
