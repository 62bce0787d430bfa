import { assert, nat, property, stringMatching, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';
import { closestName } from '../../src/model/closest-name.ts';

const NAMES = ['backfill', 'check', 'labels', 'migrate', 'quarantine', 'status', 'sync', 'tables', 'track'];

test.each([
  ['stauts', 'status'],
  ['Tables', 'tables'],
  ['tabels', 'tables'],
  ['snyc', 'sync'],
  ['backfil', 'backfill'],
  ['quarantene', 'quarantine'],
  ['trackk', 'track'],
])('the closest name to %s is %s', (mistyped, name) => {
  expect(closestName(mistyped, NAMES)).toBe(name);
});

test.each(['', 'ab', 'run', 'replicate', 'synchronize', 'zzzzzz'])('no name is close to %j', (mistyped) => {
  expect(closestName(mistyped, NAMES)).toBeNull();
});

test('the closest name to a known name is that name, in any case', () => {
  assert(
    property(uniqueArray(stringMatching(/^[a-z]{1,20}$/), { minLength: 1 }), (names) => {
      for (const name of names) expect(closestName(name.toUpperCase(), names)).toBe(name);
    }),
  );
});

test('the closest name to a name with two swapped letters is that name', () => {
  assert(
    property(stringMatching(/^[a-z]{3,20}$/), nat(), (name, seed) => {
      const at = seed % (name.length - 1);
      const swapped = name.slice(0, at) + name.charAt(at + 1) + name.charAt(at) + name.slice(at + 2);
      expect(closestName(swapped, [name])).toBe(name);
    }),
  );
});
