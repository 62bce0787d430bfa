import { expect, test } from 'vitest';
import { NO_REQUESTS, requestFigures } from '../../src/operations/status/request-figures.ts';

const SINCE = new Date('2026-11-21T10:00:00Z');
const table = { requests: 120, idleRequests: 24, changes: 300_000, since: SINCE, hours: 2 };

test('the cost of a table is shown for each row and for each idle hour', () => {
  expect(requestFigures([table])).toEqual({
    total: 120,
    perChangedRow: 0.0004,
    perIdleHour: 12,
    since: '2026-11-21T10:00:00.000Z',
  });
});

test('a figure that is not known is null', () => {
  const untouched = { requests: 0, idleRequests: 0, changes: 0, since: null, hours: null };
  expect(requestFigures([untouched])).toEqual(NO_REQUESTS);
  expect(requestFigures([])).toEqual(NO_REQUESTS);
  expect(requestFigures([{ ...table, changes: 0 }]).perChangedRow).toBeNull();
  // No time has passed, or the database's clock was set back.
  for (const hours of [0, -1]) expect(requestFigures([{ ...table, hours }]).perIdleHour).toBeNull();
});

test('tables that were counted for different times together cost the sum of what each costs an hour', () => {
  const other = { ...table, requests: 60, idleRequests: 6, changes: 0, since: new Date(0), hours: 1 };
  expect(requestFigures([table, other])).toEqual({
    total: 180,
    perChangedRow: 0.0006,
    perIdleHour: 18,
    since: '1970-01-01T00:00:00.000Z',
  });
});
