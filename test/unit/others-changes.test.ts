import { expect, test } from 'vitest';
import { OthersChanges } from '../../src/sync/others-changes.ts';

const made = (rowsWritten: number, rowsDeleted = 0) => ({ rowsWritten, rowsDeleted });

/** A run that finds the counter so, and makes so many changes. */
function run(others: OthersChanges, counter: number, changes: number): boolean {
  others.counterRead(counter, made(0));
  return others.runEnded(made(changes));
}

test("a process's own changes are not those of others", () => {
  const others = new OthersChanges();
  expect([run(others, 40, 3), run(others, 43, 0), run(others, 43, 2), run(others, 45, 0)]).not.toContain(
    true,
  );
});

test('changes of others are told once', () => {
  const others = new OthersChanges();
  run(others, 40, 3);
  expect(run(others, 50, 1)).toBe(true);
  expect(run(others, 51, 0)).toBe(false);
});

test('a run that goes on after it lost its lease tells what others did meanwhile', () => {
  const others = new OthersChanges();
  run(others, 40, 0);
  others.counterRead(40, made(0));
  others.counterRead(55, made(10, 5));
  expect(others.runEnded(made(10, 5))).toBe(false);
  others.counterRead(55, made(0));
  others.counterRead(75, made(10, 5));
  expect(others.runEnded(made(10, 5))).toBe(true);
});

test('a run that never came to read the counter changes nothing of what is known', () => {
  const others = new OthersChanges();
  run(others, 40, 3);
  expect(others.runEnded(made(0))).toBe(false);
  expect(run(others, 43, 0)).toBe(false);
});
