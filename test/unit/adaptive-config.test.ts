import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { checkSchedules, requestsPer5Minutes } from '../../src/operations/check/check-schedules.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { load, problemsOf, written } from './config-directory.ts';

const schedules = (yaml: string): (string | undefined)[] => load(yaml).tables.map(({ schedule }) => schedule);

test('the schedule adaptive may be set for all tables or for one', () => {
  expect(schedules('schedule: adaptive\ntables: [a, { name: b, schedule: "0 * * * *" }]')).toEqual([
    'adaptive',
    '0 * * * *',
  ]);
  expect(schedules('tables: [a, { name: b, schedule: adaptive }]')).toEqual(['*/5 * * * *', 'adaptive']);
});

test('the variable MIRRORVERSE_SCHEDULE may set the schedule adaptive', () => {
  const file = written('schedule: "0 * * * *"\ntables: [a]');
  const [table] = loadConfig(file, {}, { MIRRORVERSE_SCHEDULE: 'adaptive' }).tables;
  expect(table?.schedule).toBe('adaptive');
});

test('a snapshot, which reads the whole table, is adaptive only where its own schedule says so', () => {
  const yaml =
    'schedule: adaptive\ntables: [{ name: a, mode: snapshot }, { name: b, mode: snapshot, schedule: adaptive }]';
  expect(schedules(yaml)).toEqual(['0 * * * *', 'adaptive']);
});

test.each(['Adaptive', 'adaptiv', ' adaptive', 'hourly'])(
  'the schedule %j is refused, and the message names both ways to write one',
  (word) => {
    expect(problemsOf(`schedule: '${word}'`)).toEqual([
      {
        key: 'schedule',
        line: 1,
        column: 1,
        message: 'must be a cron expression of 5 fields (or 6 with seconds), or the word adaptive',
      },
    ]);
  },
);

test.each(['0 0 31W 2 *', '* * L 2 1#1'])(
  'the schedule %j is refused, because it never comes true',
  (cron) => {
    expect(problemsOf(`schedule: '${cron}'`)).toEqual([
      { key: 'schedule', message: 'is a cron expression for a moment that never comes', line: 1, column: 1 },
    ]);
  },
);

test('idle tables on the adaptive schedule are estimated at one request an hour each', () => {
  expect(requestsPer5Minutes(Array.from({ length: 24 }, () => 'adaptive'))).toBe(2);
  expect(requestsPer5Minutes(['adaptive', '* * * * *'])).toBe(6);
});

test('a link on the adaptive schedule never expires, whatever its life', () => {
  const table = { name: 'account', mode: 'changes' as const, schedule: 'adaptive', columns: ALL_COLUMNS };
  for (const life of [1, 7, 90]) expect(checkSchedules([table], life)).toEqual([]);
});
