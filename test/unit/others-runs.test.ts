import { expect, test } from 'vitest';
import { OthersRuns } from '../../src/sync/run/idle-poll.ts';

const made = (rowsWritten: number, rowsDeleted = 0) => ({ rowsWritten, rowsDeleted });

/** What the taker of a lease finds. */
const found = (changes: number, fence = 1n) => ({
  lease: { table: 'account', holder: 'this one', fence },
  changes,
});

/** A run that finds the counter so, and makes so many changes. */
function run(others: OthersRuns, counter: number, changes: number): boolean {
  others.leaseTaken(found(counter), made(0));
  return others.runEnded(made(changes));
}

test("a process's own changes do not count as changes of other processes", () => {
  const others = new OthersRuns();
  const told = [run(others, 40, 3), run(others, 43, 0), run(others, 43, 2), run(others, 45, 0)];
  expect(told).not.toContain(true);
});

test('changes of other processes are reported once', () => {
  const others = new OthersRuns();
  run(others, 40, 3);
  expect(run(others, 50, 1)).toBe(true);
  expect(run(others, 51, 0)).toBe(false);
});

test('a run that goes on after it lost its lease reports what other processes did meanwhile', () => {
  const others = new OthersRuns();
  run(others, 40, 0);
  others.leaseTaken(found(40), made(0));
  others.leaseTaken(found(55), made(10, 5));
  expect(others.runEnded(made(10, 5))).toBe(false);
  others.leaseTaken(found(55), made(0));
  others.leaseTaken(found(75), made(10, 5));
  expect(others.runEnded(made(10, 5))).toBe(true);
});

test('a run that never took the lease changes nothing of what is known', () => {
  const others = new OthersRuns();
  run(others, 40, 3);
  expect(others.runEnded(made(0))).toBe(false);
  expect(run(others, 43, 0)).toBe(false);
});

test('a fence that rose only with this lease says that no other process has run', () => {
  const others = new OthersRuns();
  const taken = (fence: bigint): boolean => {
    const told = others.leaseTaken(found(0, fence), made(0));
    others.runEnded(made(0));
    return told;
  };
  expect([taken(7n), taken(8n), taken(9n), taken(11n), taken(12n)]).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});

test('a run that takes its lease a second time may find its own commit, whose answer was lost', () => {
  const others = new OthersRuns();
  others.leaseTaken(found(0, 7n), made(0));
  others.runEnded(made(0));
  expect(others.leaseTaken(found(0, 8n), made(0))).toBe(false);
  expect(others.leaseTaken(found(0, 9n), made(0))).toBe(true);
});

/** Runs that find these fences when they take the lease; what may be counted on after each. */
function fencesAlone(others: OthersRuns, fences: readonly bigint[]): (bigint | undefined)[] {
  return fences.map((fence) => {
    others.leaseTaken(found(0, fence), made(0));
    others.runEnded(made(0));
    return others.expectedFence;
  });
}

test('the fence is trusted once a run has found no other process', () => {
  expect(fencesAlone(new OthersRuns(), [7n, 8n, 9n])).toEqual([undefined, 8n, 9n]);
});

test('the fence is trusted again when three runs in a row have found no other process', () => {
  const told = fencesAlone(new OthersRuns(), [7n, 8n, 12n, 13n, 14n, 15n]);
  expect(told).toEqual([undefined, 8n, undefined, undefined, undefined, 15n]);
});

test('a run that trusted the fence raises it by itself, and does not count as another process', () => {
  const others = new OthersRuns();
  fencesAlone(others, [7n, 8n]);
  others.idlePollStored();
  expect(others.expectedFence).toBe(9n);
  expect(others.leaseTaken(found(0, 10n), made(0))).toBe(false);
});
