import { expect, test } from 'vitest';
import { estimateRequests } from '../../src/dataverse/budget/request-estimate.ts';
import { column, sampleTable } from './sample-table.ts';

test('a baseline costs its pages and the first delta, a snapshot its pages', () => {
  const table = sampleTable();
  expect(estimateRequests(table, 10_001, 5_000)).toBe(4);
  expect(estimateRequests(table, 10_001, 5_000, { mode: 'snapshot' })).toBe(3);
  expect(estimateRequests(table, 0, 5_000)).toBe(2);
});

test('a table whose pages are smaller costs more of them', () => {
  expect(estimateRequests(sampleTable([], { largestPage: 500 }), 5_000, 5_000)).toBe(11);
});

test('calculated columns that one request cannot name cost a read of each group and each batch of keys', () => {
  const calculated = Array.from({ length: 10 }, (_, at) =>
    column(`calculated${at}`, 'numeric', { derived: 'calculated' }),
  );
  const table = sampleTable(calculated);
  expect(estimateRequests(table, 100, 5_000)).toBe(2);
  expect(estimateRequests(table, 100, 5_000, { calculated: 3 })).toBe(2 + 4);
  // Some 530 keys fit into a URL.
  expect(estimateRequests(table, 10_000, 5_000, { calculated: 3 })).toBe(3 + 2 * 4 * 10);
});
