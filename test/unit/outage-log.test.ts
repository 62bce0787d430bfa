import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Failure } from '../../src/model/failure.ts';
import { atWork, failed, progressed, succeeded, type Outages } from '../../src/sync/watch/outage-log.ts';

const MINUTE = 60_000;
const DATABASE = { code: 'database-unreachable', reaction: 'retry' } as const;
const FULL = {
  code: 'database-unavailable',
  reaction: 'retry',
  details: { sqlstate: '53100' },
} as const;
const SOURCE = { code: 'source-unavailable', reaction: 'retry' } as const;
const DENIED = { code: 'privilege-missing', reaction: 'stop-table' } as const;

/** Every line, by level, of failures of so many tables every few seconds. */
function linesOf(
  trouble: Pick<Failure, 'code' | 'reaction'>,
  tables: number,
  every: number,
  until: number,
): string[] {
  let outages: Outages = new Map();
  const lines: string[] = [];
  for (let now = 0; now <= until; now += every) {
    for (let table = 0; table < tables; table++) {
      const told = failed(outages, `table${table}`, trouble, now);
      ({ outages } = told);
      if (told.loudness !== 'debug') lines.push(`${told.loudness} at ${now / MINUTE}`);
      for (const line of told.lines) lines.push(`${line.level} at ${now / MINUTE}, ${line.tables} tables`);
    }
  }
  return lines;
}

test('an outage of 200 tables is a line at its beginning and reminders at growing distance, which become errors when it lasts', () => {
  expect(linesOf(DATABASE, 200, 10_000, 20 * MINUTE)).toEqual([
    'warn at 0',
    'warn at 1, 200 tables',
    'warn at 2, 200 tables',
    'warn at 4, 200 tables',
    'error at 8, 200 tables',
    'error at 16, 200 tables',
  ]);
});

test('a reminder comes every hour however long an outage lasts', () => {
  const day = linesOf(SOURCE, 3, MINUTE, 24 * 60 * MINUTE);
  expect(day.length).toBeGreaterThan(24);
  expect(day.length).toBeLessThan(40);
});

test('a failure that a person must mend is a line for each table, and again at growing distance', () => {
  const lines = linesOf(DENIED, 2, 10 * MINUTE, 60 * MINUTE);
  expect(lines.slice(0, 2)).toEqual(['error at 0', 'error at 0']);
  expect(new Set(lines.map((line) => line.split(' ')[0]))).toEqual(new Set(['error']));
  expect(lines.filter((line) => line.startsWith('error at 30'))).toEqual([]);
});

test('another code of the same table is logged at once', () => {
  const { outages } = failed(new Map(), 'account', DENIED, 0);
  const other = { code: 'change-tracking-off', reaction: 'stop-table' } as const;
  expect(failed(outages, 'account', other, 1_000).loudness).toBe('error');
});

test('the first success ends an outage of the database for all tables, and the line says how long it lasted', () => {
  let { outages } = failed(new Map(), 'account', DATABASE, 0);
  ({ outages } = failed(outages, 'contact', DATABASE, 1_000));
  const over = { kind: 'over', level: 'info', code: DATABASE.code, milliseconds: 9_000, tables: 2 };
  expect(succeeded(outages, 'contact', 9_000)).toEqual({ outages: new Map(), lines: [over] });
  expect(progressed(outages, 'task', 9_000)).toEqual({ outages: new Map(), lines: [over] });
});

test('an outage of room for rows ends with the tables that met it, and no other table ends it', () => {
  let { outages } = failed(new Map(), 'account', FULL, 0);
  ({ outages } = failed(outages, 'contact', FULL, 1_000));
  for (const end of [succeeded, progressed]) expect(end(outages, 'task', 2_000).lines).toEqual([]);
  expect(failed(outages, 'account', FULL, 3_000)).toMatchObject({ loudness: 'debug', lines: [] });
  const first = progressed(outages, 'account', 4_000);
  expect(first.lines).toEqual([]);
  expect(succeeded(first.outages, 'contact', 5_000).lines).toEqual([
    { kind: 'over', level: 'info', code: FULL.code, milliseconds: 5_000, tables: 2 },
  ]);
});

test('a lock that one table waits for is not an outage that another table ends', () => {
  const locked = { ...FULL, details: { sqlstate: '55P03' } };
  const { outages } = failed(new Map(), 'account', locked, 0);
  expect(succeeded(outages, 'contact', 1_000).lines).toEqual([]);
  expect(succeeded(outages, 'account', 2_000).lines).toHaveLength(1);
});

test('an outage of requests ends with the last of its tables, and no page ends it', () => {
  let { outages } = failed(new Map(), 'account', SOURCE, 0);
  ({ outages } = failed(outages, 'contact', SOURCE, 0));
  expect(progressed(outages, 'account', 1_000).lines).toEqual([]);
  const first = succeeded(outages, 'account', 2_000);
  expect(first.lines).toEqual([]);
  expect(succeeded(first.outages, 'contact', 3_000).lines).toMatchObject([
    { kind: 'over', milliseconds: 3_000, tables: 2 },
  ]);
});

test('an outage that begins hours after another is logged, although a table of that one has failed for its own reasons ever since', () => {
  let { outages } = failed(new Map(), 'account', SOURCE, 0);
  for (let now = MINUTE; now <= 600 * MINUTE; now += 10 * MINUTE) {
    ({ outages } = failed(outages, 'account', DENIED, now));
    ({ outages } = succeeded(outages, 'contact', now));
  }
  expect(failed(outages, 'contact', SOURCE, 610 * MINUTE)).toMatchObject({ loudness: 'warn', lines: [] });
});

test('a table that leaves takes its troubles along, and ends the outage if it was the last table in it', () => {
  let { outages } = failed(new Map(), 'account', SOURCE, 0);
  ({ outages } = failed(outages, 'contact', SOURCE, 0));
  ({ outages } = failed(outages, 'lead', DENIED, 0));
  const one = atWork(outages, ['account', 'lead'], 1_000);
  expect(one.lines).toEqual([]);
  const none = atWork(one.outages, ['task'], 2_000);
  expect(none.outages.size).toBe(0);
  expect(none.lines).toEqual([
    { kind: 'over', level: 'info', code: SOURCE.code, milliseconds: 2_000, tables: 2 },
  ]);
});

test('every outage that begins is logged, and is over when all tables have succeeded', () => {
  const step = fc.record({
    table: fc.constantFrom('a', 'b', 'c'),
    trouble: fc.constantFrom(DATABASE, SOURCE, DENIED, null),
    rest: fc.integer({ min: 0, max: 10 * MINUTE }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let outages: Outages = new Map();
      let now = 0;
      for (const { table, trouble, rest } of steps) {
        now += rest;
        const before = outages.size;
        if (trouble === null) {
          ({ outages } = succeeded(outages, table, now));
          continue;
        }
        const told = failed(outages, table, trouble, now);
        ({ outages } = told);
        expect(outages.size > before && told.loudness === 'debug').toBe(false);
      }
      for (const table of ['a', 'b', 'c']) ({ outages } = succeeded(outages, table, now));
      expect(outages.size).toBe(0);
    }),
  );
});
