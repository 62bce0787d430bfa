import { expect, test } from 'vitest';
import { planText } from '../../src/cli/commands/inspection/plan-text.ts';
import type { TablePlan } from '../../src/operations/table-plan.ts';

const IDLE: TablePlan = {
  table: 'account',
  create: null,
  statements: [],
  indexes: [],
  history: null,
  filter: null,
  feed: null,
  move: null,
  changes: [],
  load: null,
  kind: 'standard' as const,
  rows: 4_003,
  requests: 1,
  verify: { sweep: 1, values: 1 },
  sweep: null,
  marked: null,
  error: null,
};

test('a plan of a table for which nothing changes takes one line', () => {
  expect(planText([IDLE], { sql: false })).toEqual([
    'account: changes only, 1 request',
    '1 API request for rows in all, without those for metadata.',
  ]);
});

test('a plan names what waits for a yes before what happens by itself, and how to say yes', () => {
  const plan: TablePlan = {
    ...IDLE,
    statements: ['ALTER TABLE a', 'COMMENT b'],
    changes: [
      { kind: 'added', policy: 'apply', description: 'column new_fax (text) is new' },
      { kind: 'removed', policy: 'ask', description: 'column fax is gone at the source; its values stay' },
    ],
    load: 'rebaseline',
    requests: 1_002,
    sweep: { unseen: 1_200, rows: 4_003, allowed: false },
  };
  expect(planText([plan], { sql: false })).toEqual([
    'account: 2 changes, re-baseline of about 4,003 rows, 1,002 requests',
    '  waits for a yes: column fax is gone at the source; its values stay',
    '  waits for a yes: delete 1,200 of 4,003 rows that the last re-baseline did',
    '    not see',
    '  column new_fax (text) is new',
    '1,002 API requests for rows in all, without those for metadata.',
    'A yes is missing for 1 table: `plan --apply` gives it.',
    '`plan --sql` shows the 2 statements.',
  ]);
  expect(planText([plan], { sql: true })).toContain('  ALTER TABLE a;');
});

test.each([
  ['begin', '  begin the history, with a record of each row'],
  ['end', '  end the history; the records that are there stay'],
] as const)('a plan says that a history will %s', (history, line) => {
  expect(planText([{ ...IDLE, history }], { sql: false })).toEqual([
    'account: changes only, 1 request',
    line,
    '1 API request for rows in all, without those for metadata.',
  ]);
});

test('a plan tells what verification costs: tables of many requests, and all of them in a day', () => {
  const large: TablePlan = { ...IDLE, verify: { sweep: 1_200, values: 1_210 } };
  const verify = { requestsPerDay: 1_201, shareOfDay: 0.048_04, sweepSeconds: 3_603, sweepsForValues: 30 };
  expect(planText([large, { ...IDLE, table: 'contact', verify: null }], { sql: false, verify })).toEqual([
    'account: changes only, 1 request',
    '  verification: 1,200 requests a sweep, 1,210 for all values over 30 sweeps',
    'contact: changes only, 1 request',
    '2 API requests for rows in all, without those for metadata.',
    'Verification: about 1,201 requests a day (4.8 % of limits.requestsPerDay), 1 h',
    '  a sweep, without 1 table of unknown cost.',
  ]);
  const [, line] = planText([IDLE], { sql: false, verify: { ...verify, shareOfDay: null } }).slice(-2);
  expect(line).toBe('Verification: about 1,201 requests a day, 1 h a sweep.');
  expect(planText([large], { sql: false }).join('\n')).not.toMatch(/verif/i);
});

test('a plan of hundreds of new columns stays short and within 80 columns', () => {
  const changes = Array.from({ length: 300 }, (_, at) => ({
    kind: 'added' as const,
    policy: 'apply' as const,
    description: `column new_a_column_with_a_rather_long_name_that_somebody_gave_${at} (numeric) is new`,
  }));
  const lines = planText([{ ...IDLE, table: 'new_'.padEnd(60, 'x'), changes }], { sql: false });
  expect(lines.length).toBeLessThan(25);
  expect(lines).toContain('  and 292 more (--json has all of them)');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

const secondLine = (plan: Partial<TablePlan>): unknown => planText([{ ...IDLE, ...plan }], { sql: false })[1];

test('a plan tells that the change log of a table begins, with a marker where rows are there, and that it ends', () => {
  expect(secondLine({ create: { columns: 60 }, feed: 'begin' })).toBe('  begin the change log');
  expect(secondLine({ feed: 'begin' })).toBe(
    '  begin the change log, with a marker for the rows that are there',
  );
  expect(secondLine({ feed: 'end' })).toBe('  end the change log; the changes that are there stay');
});

test('a plan tells how a table is moved into partitions, and what keeps it from being moved', () => {
  const moved: TablePlan = {
    ...IDLE,
    load: 'rebaseline',
    requests: 2,
    move: { from: null, to: 16, blockers: [] },
  };
  const kept: TablePlan = { ...IDLE, move: { from: 16, to: null, blockers: ['rule a', 'rule b'] } };
  expect(planText([moved, kept], { sql: false })).toEqual([
    'account: re-baseline of about 4,003 rows, 2 requests',
    '  move from a table without partitions to 16 partitions, inside PostgreSQL;',
    '    readers go on',
    'account: changes only, 1 request',
    '  cannot move from 16 partitions to a table without partitions, because the',
    '    move would lose this: rule a; rule b',
    '3 API requests for rows in all, without those for metadata.',
  ]);
});
