import { expect, test } from 'vitest';
import { hasFoundChanges, type RunProgress } from '../../src/sync/run/run-progress.ts';

const NOTHING: RunProgress = {
  phase: 'delta',
  pages: 1,
  rowsRead: 0,
  rowsWritten: 0,
  rowsDeleted: 0,
  rowsQuarantined: 0,
  requests: 1,
};

test('a delta without entries has found no change', () => {
  expect(hasFoundChanges(NOTHING)).toBe(false);
});

test('a delta has found a change when a row could not be stored, or a tombstone was of an unknown row', () => {
  expect(hasFoundChanges({ ...NOTHING, rowsRead: 1, rowsQuarantined: 1 })).toBe(true);
  expect(hasFoundChanges({ ...NOTHING, rowsRead: 1 })).toBe(true);
});

test.each(['baseline', 'rebaseline'] as const)(
  'a %s has found a change where a row was written or deleted',
  (phase) => {
    const loaded = { ...NOTHING, phase, rowsRead: 5_000 };
    expect(hasFoundChanges(loaded)).toBe(false);
    // In quarantine each time that it is read.
    expect(hasFoundChanges({ ...loaded, rowsQuarantined: 1 })).toBe(false);
    expect(hasFoundChanges({ ...loaded, rowsWritten: 1 })).toBe(true);
    expect(hasFoundChanges({ ...loaded, rowsDeleted: 1 })).toBe(true);
  },
);
