import { expect, test } from 'vitest';
import { fittedTable } from '../../src/cli/output.ts';

const HEADINGS = ['table', 'result', 'written', 'deleted', 'quarantined', 'time'];
const FORM = { numbers: [2, 3, 4, 5], wraps: 1 };

test('a long result is broken between words, so that the name of its table stays in the line', () => {
  const rows = [
    ['transactioncurrency', 'failed: database-unreachable', '0', '0', '0', '2 min'],
    ['account', 'up to date', '1,004', '0', '0', '1.2 s'],
  ];
  expect(fittedTable(HEADINGS, rows, FORM)).toEqual([
    'table                result                 written  deleted  quarantined   time',
    'transactioncurrency  failed:                      0        0            0  2 min',
    '                     database-unreachable',
    'account              up to date               1,004        0            0  1.2 s',
  ]);
});

test('a sentence below a row is broken at the width of the table', () => {
  const note = 'word '.repeat(30).trim();
  const lines = fittedTable(['table', 'rows'], [['account', '12']], { numbers: [1], below: [note] });
  expect(lines.slice(0, 2)).toEqual(['table    rows', 'account    12']);
  expect(
    lines
      .slice(2)
      .map((line) => line.trim())
      .join(' '),
  ).toBe(note);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});
