import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterTimeOut, afterTooLarge, afterTooMuch, PageSizes } from '../../src/dataverse/page/page-sizes.ts';
import { AnswerTooLarge } from '../../src/dataverse/http/response-body.ts';
import { failureOf } from './failing.ts';

const PAGE = 1_000_000;

test('a table that was not read yet is asked for whole pages', () => {
  const sizes = new PageSizes(PAGE);
  expect(sizes.next('account', 5_000, 'begins')).toEqual({ rows: 5_000, largest: PAGE });
  expect(sizes.expected('account')).toBe(65_536);
});

test('wide rows make short pages, narrow ones do not, and each table has its own', () => {
  const sizes = new PageSizes(PAGE);
  sizes.measured('wide', 100, 800_000);
  sizes.measured('narrow', 5_000, 800_000);
  expect(sizes.next('wide', 5_000, 'goes-on').rows).toBe(100);
  expect(sizes.next('narrow', 5_000, 'goes-on').rows).toBe(5_000);
  expect(sizes.expected('wide')).toBe(850_000);
});

test('one wide row among few says nothing about the others', () => {
  const sizes = new PageSizes(PAGE);
  sizes.measured('account', 2, 900_000);
  expect(sizes.next('account', 5_000, 'begins').rows).toBe(5_000);
});

test('an empty page changes the expected size of a page and not the expected width of rows', () => {
  const sizes = new PageSizes(PAGE);
  sizes.measured('account', 100, 800_000);
  sizes.measured('account', 0, 300);
  expect(sizes.expected('account')).toBe(319);
  expect(sizes.next('account', 5_000, 'begins').rows).toBe(100);
});

test('rows that became narrower make longer pages again, in the next chain', () => {
  const sizes = new PageSizes(PAGE);
  sizes.measured('account', 100, 800_000);
  for (let page = 0; page < 200; page++) sizes.measured('account', 100, 10_000);
  expect(sizes.next('account', 5_000, 'begins').rows).toBeGreaterThan(4_000);
  expect(sizes.next('account', 100, 'goes-on').rows).toBe(100);
});

test('a page never has more rows than it may, whatever was learned', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('measured' as const), rows: fc.nat(5_000), bytes: fc.nat(PAGE) }),
    fc.record({
      kind: fc.constant('limit' as const),
      rows: fc.integer({ min: 50, max: 5_000 }),
      bytes: fc.constant(0),
    }),
  );
  const chain = fc.constantFrom('begins' as const, 'goes-on' as const);
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 5_000 }), chain, (steps, most, how) => {
      const sizes = new PageSizes(PAGE);
      for (const { kind, rows, bytes } of steps) {
        if (kind === 'measured') sizes.measured('account', rows, bytes);
        else sizes.limit('account', rows);
      }
      const { rows } = sizes.next('account', most, how);
      expect(rows).toBeGreaterThanOrEqual(1);
      expect(rows).toBeLessThanOrEqual(most);
    }),
  );
});

test('an answer that is too large is asked for again with the rows that came whole', () => {
  const asked = { rows: 5_000, largest: PAGE };
  expect(afterTooLarge(asked, new AnswerTooLarge(PAGE, 321), PAGE, 'account')).toEqual({
    ...asked,
    rows: 320,
  });
});

test('a row that is larger than a page is given more room, with as many rows as before', () => {
  const asked = { rows: 200, largest: PAGE };
  for (const entries of [0, 1]) {
    const next = afterTooLarge(asked, new AnswerTooLarge(PAGE, entries), 4 * PAGE, 'account');
    expect(next).toEqual({ rows: 200, largest: 4 * PAGE });
    expect(
      failureOf(() => afterTooLarge(next, new AnswerTooLarge(4 * PAGE, 1), 4 * PAGE, 'account')),
    ).toMatchObject({
      code: 'row-too-large',
      reaction: 'stop-table',
    });
  }
});

test('answers that are always too large end after a few requests', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.nat(10_000), (rows, entries) => {
      let asked = { rows, largest: PAGE };
      const failure = failureOf(() => {
        for (let requests = 0; requests < 12; requests++) {
          asked = afterTooLarge(asked, new AnswerTooLarge(asked.largest, entries), 4 * PAGE, 'account');
        }
      });
      expect(failure.code).toBe('row-too-large');
    }),
    { numRuns: 50 },
  );
});

test('a page that takes more than all memory, although its answer does not, has fewer rows next time', () => {
  const asked = { rows: 200, largest: PAGE };
  expect(afterTooMuch(asked, PAGE, 'account', undefined)).toEqual({ ...asked, rows: 50 });
  expect(failureOf(() => afterTooMuch({ ...asked, rows: 1 }, PAGE, 'account', undefined)).code).toBe(
    'row-too-large',
  );
});

test('pages that time out are halved down to fifty rows', () => {
  const halves: number[] = [];
  for (let rows: number | undefined = 5_000; rows !== undefined; rows = afterTimeOut(rows)) halves.push(rows);
  expect(halves).toEqual([5_000, 2_500, 1_250, 625, 312, 156, 78, 50]);
});

test('the size after time-outs doubles with each new chain', () => {
  const sizes = new PageSizes(PAGE);
  sizes.limit('account', 500);
  expect(sizes.next('account', 5_000, 'goes-on').rows).toBe(500);
  expect([1, 2, 3, 4].map(() => sizes.next('account', 5_000, 'begins').rows)).toEqual([
    1_000, 2_000, 4_000, 5_000,
  ]);
});
