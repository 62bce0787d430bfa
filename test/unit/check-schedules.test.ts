import { expect, test } from 'vitest';
import { checkSchedules } from '../../src/operations/check/check-schedules.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';

const LINK_LIFE = 7;

/** Whether a table on this schedule is polled too seldom for its link. */
function isTooSeldom(schedule: string, mode: 'changes' | 'snapshot' = 'changes'): boolean {
  const table = { name: 'account', mode, schedule, columns: ALL_COLUMNS };
  return checkSchedules([table], LINK_LIFE).length > 0;
}

test.each(['* * * * 1', '*/5 * * * * 1', '0 3 * * 1', '30 8-18 * * 1,2', '* * 1-20 * *', '* * * 1-11 *'])(
  'a table on %s rests for more than half of its link life',
  (cron) => {
    expect(isTooSeldom(cron)).toBe(true);
    expect(isTooSeldom(cron, 'snapshot')).toBe(false);
  },
);

test.each(['* * * * *', '*/5 * * * * *', '59 23 * * *', '* 8-18 * * 1-5', '* * * * 1,4'])(
  'a table on %s rests for no more than half of its link life',
  (cron) => {
    expect(isTooSeldom(cron)).toBe(false);
  },
);
