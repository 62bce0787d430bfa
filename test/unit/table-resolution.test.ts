import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { EntityDefinition } from '../../src/dataverse/metadata/table-definition.ts';
import { fitsPattern, isPattern } from '../../src/model/name-pattern.ts';
import { removedTables } from '../../src/sync/tables/removed-tables.ts';
import { resolveTables, type Resolution, type TableEntry } from '../../src/sync/tables/table-resolution.ts';

const definition = (LogicalName: string, members: Partial<EntityDefinition> = {}): EntityDefinition => ({
  LogicalName,
  EntitySetName: `${LogicalName}s`,
  PrimaryIdAttribute: `${LogicalName}id`,
  ChangeTrackingEnabled: true,
  CanChangeTrackingBeEnabled: true,
  IsIntersect: false,
  TableType: 'Standard',
  ...members,
});

const OFF = { ChangeTrackingEnabled: false };
const ENVIRONMENT = [
  definition('account'),
  definition('activitypointer'),
  definition('contact'),
  definition('new_car', OFF),
  definition('new_locked', { ...OFF, CanChangeTrackingBeEnabled: false }),
  definition('new_van'),
  definition('noset', { EntitySetName: null }),
  definition('nokey', { PrimaryIdAttribute: null }),
  definition('remote', { ...OFF, TableType: 'Virtual' }),
  definition('accountcontact', { ...OFF, IsIntersect: true }),
  definition('accountcar', { ...OFF, IsIntersect: true }),
];
const JOINED = new Map([
  ['accountcontact', new Set(['account', 'contact'])],
  ['accountcar', new Set(['account', 'contact', 'new_car'])],
]);

const entry = (name: string, mode: TableEntry['mode'] = 'changes'): TableEntry => ({ name, mode });

function resolve(
  entries: readonly (TableEntry | string)[],
  leftOut: readonly string[] = [],
  joined: typeof JOINED | undefined = JOINED,
): Resolution<TableEntry> {
  const choice = { entries: entries.map((each) => (typeof each === 'string' ? entry(each) : each)), leftOut };
  return resolveTables(choice, ENVIRONMENT, joined);
}

const namesOf = ({ tables }: Resolution<TableEntry>): string[] => tables.map(({ name }) => name);

describe('a pattern', () => {
  it('a pattern brings the tables that can be mirrored, and gives the reason for the others', () => {
    const resolution = resolve(['*']);
    expect(namesOf(resolution)).toEqual([
      'account',
      'accountcontact',
      'activitypointer',
      'contact',
      'new_van',
    ]);
    expect(Object.fromEntries(resolution.excluded)).toEqual({
      new_car: 'its change tracking is off; `mirrorverse track new_car` turns it on',
      new_locked: 'its change tracking is off and cannot be turned on',
      noset: 'it has no entity set',
      nokey: 'it has no primary id',
      remote: 'it is a virtual table; `mode: snapshot` mirrors it',
      accountcar: 'it joins tables whose change tracking is off: `mirrorverse track new_car`',
    });
  });

  it('a pattern leaves intersect tables out where the environment does not say what they join', () => {
    const { excluded } = resolve(['*'], [], new Map());
    expect(excluded.get('accountcontact')).toMatch(/does not tell which tables it joins$/);
  });

  it('a pattern with snapshots needs no change tracking, but something to read', () => {
    const { excluded } = resolve([entry('*', 'snapshot')]);
    expect([...excluded.keys()]).toEqual(['noset', 'nokey']);
  });

  it('a later pattern decides over an earlier one', () => {
    const { tables } = resolve(['*', entry('new_*', 'snapshot')]);
    expect(tables.find(({ name }) => name === 'new_car')).toEqual({
      name: 'new_car',
      mode: 'snapshot',
      pattern: 'new_*',
    });
    expect(tables.find(({ name }) => name === 'account')).toMatchObject({ mode: 'changes', pattern: '*' });
  });

  it('a pattern takes no table that is left out', () => {
    const { excluded, tables } = resolve(['a*'], ['activity*', 'accountc*']);
    expect(tables.map(({ name }) => name)).toEqual(['account']);
    expect(excluded.get('activitypointer')).toBe('left out by !activity*');
  });

  it('a pattern that fits no table is reported', () => {
    expect(resolve(['acc*', 'nosuch_*', 'n?car']).idlePatterns).toEqual(['nosuch_*', 'n?car']);
  });
});

describe('a name', () => {
  it('a name wins over every pattern and is kept whatever is left out, mirrorable or not, there or not', () => {
    const { tables, excluded } = resolve(
      [entry('remote'), entry('account', 'snapshot'), 'nosuch', 'acc*'],
      ['*'],
    );
    expect(tables).toEqual([entry('remote'), entry('account', 'snapshot'), entry('nosuch')]);
    expect([...excluded.keys()]).toEqual(['accountcontact', 'accountcar']);
  });
});

const NAMES = ENVIRONMENT.map(({ LogicalName }) => LogicalName);
const word = fc.oneof(
  fc.constantFrom(...NAMES, 'nosuch'),
  fc.constantFrom('*', 'a*', 'new_*', '*c*', 'new_???'),
);
const mode = fc.constantFrom('changes' as const, 'snapshot' as const);
const someEntries = fc.uniqueArray(fc.record({ name: word, mode }), { selector: ({ name }) => name });

test('a table never comes twice, every name is kept, and what a pattern fits is mirrored or has a reason', () => {
  fc.assert(
    fc.property(someEntries, fc.array(word, { maxLength: 3 }), (entries, leftOut) => {
      const resolution = resolveTables({ entries, leftOut }, ENVIRONMENT, JOINED);
      const mirrored = namesOf(resolution);
      expect(new Set(mirrored).size).toBe(mirrored.length);
      const named = entries.filter(({ name }) => !isPattern(name)).map(({ name }) => name);
      expect(mirrored).toEqual(expect.arrayContaining(named));
      for (const name of NAMES) {
        const isMeant = entries.some((each) => fitsPattern(name, each.name));
        const isTold = mirrored.includes(name) !== resolution.excluded.has(name);
        expect({ name, isTold }).toEqual({ name, isTold: isMeant });
      }
    }),
  );
});

test('the place of names among the entries changes nothing but their order', () => {
  fc.assert(
    fc.property(someEntries, fc.array(word, { maxLength: 3 }), (entries, leftOut) => {
      const namesLast = entries.toSorted((a, b) => Number(isPattern(b.name)) - Number(isPattern(a.name)));
      const [one, other] = [entries, namesLast].map((each) =>
        resolveTables({ entries: each, leftOut }, ENVIRONMENT, JOINED),
      );
      expect(other).toEqual(one);
    }),
  );
});

test('the removed tables are the known tables that a pattern would mean and the environment lacks', () => {
  const choice = { entries: [entry('account'), entry('old_named'), entry('*')], leftOut: ['old_out*'] };
  const known = ['account', 'new_car', 'old_named', 'old_outside', 'old_gone', 'activitypointer'];
  const resolution = resolveTables(choice, ENVIRONMENT, JOINED);
  expect(removedTables(known, choice, resolution)).toEqual(['old_gone']);
  const without = { ...choice, entries: [entry('account')] };
  expect(removedTables(known, without, resolveTables(without, [], undefined))).toEqual([]);
});
