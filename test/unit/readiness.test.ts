import { expect, test } from 'vitest';
import type { FailureCode } from '../../src/model/failure-codes.ts';
import {
  after,
  notReady,
  starting,
  type Happening,
  type Health,
} from '../../src/operations/health/readiness.ts';

const failure = (code: FailureCode) => ({ code, message: `message of ${code}`, remedy: 'remedy' });
const TABLES = { kind: 'tables', names: ['account', 'contact'] } as const;
const OPEN = [{ kind: 'opened' }, TABLES] as const;
const fails = (table: string, code: FailureCode): Happening => ({
  kind: 'table-failed',
  table,
  failure: failure(code),
});
const paused = (...names: string[]): Happening => ({ kind: 'tables-paused', names });
const succeeds = (table: string): Happening => ({ kind: 'table-succeeded', table });

/** The health after events, one a second. */
function healthAfter(...events: readonly Happening[]): Health {
  let health = starting(0);
  for (const [index, event] of events.entries())
    health = after(health, { ...event, at: (index + 1) * 1_000 });
  return health;
}

/** Code and since when of what keeps it from being ready after events, one a second. */
function reasonAfter(...events: readonly Happening[]): readonly [string, number] | null {
  const reason = notReady(healthAfter(...events), events.length * 1_000 + 1);
  return reason && [reason.code, reason.since];
}

test('the process starts unready, is ready once open, and is unready from the first signal to stop', () => {
  expect(reasonAfter()).toEqual(['starting', 0]);
  expect(reasonAfter(...OPEN)).toBeNull();
  expect(reasonAfter(...OPEN, { kind: 'stopping' }, succeeds('account'))).toEqual(['stopping', 3_000]);
});

test('a cause that keeps the process from opening is named since its beginning, and gone once the process is open', () => {
  const refused = { kind: 'opening-failed', failure: failure('sign-in-failed') } as const;
  expect(reasonAfter(refused, refused)).toEqual(['sign-in-failed', 1_000]);
  expect(reasonAfter(refused, ...OPEN)).toBeNull();
});

test('a paused table counts for nothing, and the process is ready if all tables are paused', () => {
  const failing = [...OPEN, fails('account', 'privilege-missing'), fails('contact', 'privilege-missing')];
  expect(reasonAfter(...failing, paused('account'))).toEqual(['privilege-missing', 4_000]);
  expect(reasonAfter(...failing, paused('account', 'contact'))).toBeNull();
  expect(reasonAfter(...OPEN, fails('account', 'privilege-missing'), paused('contact'))).toEqual([
    'privilege-missing',
    3_000,
  ]);
  expect(reasonAfter(...failing, paused('account', 'contact'), paused())).toEqual([
    'privilege-missing',
    4_000,
  ]);
});

test('a database failure of one table makes the process unready, and any success or stored page ready', () => {
  const lost = [...OPEN, fails('account', 'database-unreachable'), fails('contact', 'database-unreachable')];
  expect(reasonAfter(...lost)).toEqual(['database-unreachable', 3_000]);
  expect(reasonAfter(...lost, succeeds('contact'))).toBeNull();
  expect(
    reasonAfter(...OPEN, fails('account', 'database-unreachable'), {
      kind: 'table-progressed',
      table: 'contact',
    }),
  ).toBeNull();
});

test('a table whose rows find no room makes the process unready until that table is stored', () => {
  const full = { ...failure('database-unavailable'), details: { sqlstate: '53100' } };
  const lost = [...OPEN, { kind: 'table-failed', table: 'account', failure: full }] as const;
  const others = [succeeds('contact'), { kind: 'table-progressed', table: 'contact' }] as const;
  expect(reasonAfter(...lost, ...others)).toEqual(['database-unavailable', 3_000]);
  expect(reasonAfter(...lost, ...others, succeeds('account'))).toBeNull();
  expect(reasonAfter(...lost, { kind: 'table-progressed', table: 'account' })).toBeNull();
  expect(reasonAfter(...lost, ...others, { kind: 'tables', names: ['contact'] })).toBeNull();
});

test('a failure of its own of one table leaves the process ready, failures of all tables do not', () => {
  const denied = [...OPEN, fails('account', 'privilege-missing')];
  expect(reasonAfter(...denied)).toBeNull();
  const both = [...denied, fails('contact', 'change-tracking-off')];
  expect(reasonAfter(...both)).toEqual(['change-tracking-off', 4_000]);
  expect(reasonAfter(...both, succeeds('account'))).toBeNull();
  expect(reasonAfter(...denied, fails('contact', 'privilege-missing'))).toEqual(['privilege-missing', 4_000]);
  const left = { kind: 'tables', names: ['account'] } as const;
  expect(reasonAfter(...denied, left)).toEqual(['privilege-missing', 3_000]);
});

test('a process whose tables another process writes stands by, ready', () => {
  expect(reasonAfter(...OPEN, fails('account', 'lease-held'), fails('contact', 'lease-held'))).toBeNull();
});

test('a long throttle makes the process unready until it is over, and a short one does not', () => {
  expect(reasonAfter(...OPEN, { kind: 'throttled', milliseconds: 9_999 })).toBeNull();
  const throttled = healthAfter(
    ...OPEN,
    { kind: 'throttled', milliseconds: 10_000 },
    { kind: 'throttled', milliseconds: 20_000 },
  );
  expect(notReady(throttled, 23_999)).toMatchObject({ code: 'throttled', since: 3_000 });
  expect(notReady(throttled, 24_000)).toBeNull();
});
