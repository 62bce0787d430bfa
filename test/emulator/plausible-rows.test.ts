import { describe, expect, it } from 'vitest';
import { DailyWork } from '../../src/emulator/plausible/daily-work.ts';
import { InventedOrganization } from '../../src/emulator/plausible/invented-organization.ts';
import { isLookupKind } from '../../src/emulator/definitions/attribute-kind.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';

const NOW = Date.parse('2026-11-28T16:20:00Z');
const ROWS = 3_000;
const CHANGES = 3_000;

/** An organization after many changes, one a minute. */
function worked(): DataverseStore {
  let now = NOW;
  const store = new DataverseStore({ seed: 42, now: () => now });
  const work = new DailyWork(store, new InventedOrganization(store, ROWS, NOW), new Random(7), () => now);
  for (let made = 0; made < CHANGES; made += 1) {
    now += 60_000;
    work.step();
  }
  return store;
}

const store = worked();
const END = NOW + CHANGES * 60_000;

interface Seen {
  readonly table: string;
  readonly row: Readonly<Record<string, unknown>>;
}

const rows: readonly Seen[] = [...store.tables.keys()].flatMap((table) =>
  [...store.truth(table).values()].map((literals) => ({
    table,
    row: Object.fromEntries(
      [...literals].map(([name, literal]) => [
        name,
        literal === null ? null : (JSON.parse(literal) as unknown),
      ]),
    ),
  })),
);

/** What the facts below say of rows that break them. */
function breaking(breaks: (seen: Seen) => boolean): Seen[] {
  return rows.filter(breaks).slice(0, 3);
}

/** The moment in a column; NaN, which no comparison holds for, where there is none. */
function time(row: Seen['row'], name: string): number {
  const value = row[name];
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}

/** Numbers that regulators keep for films and books. */
const FREE_NUMBERS: readonly RegExp[] = [
  /^\+1 \d{3} 555 01\d\d$/,
  /^\+44 (20 7946 0|161 496 0|131 496 0|113 496 0|115 496 0|29 2018 0|7700 900)\d{3}$/,
  /^\+49 (30 23125|40 66969|221 4710|89 99998|69 90009) \d{3}$/,
  /^\+49 171 39200 \d\d$/,
  /^\+33 (1 99 00|2 61 91|3 53 01|4 65 71|5 36 49|6 39 98) \d\d \d\d$/,
  /^\+46 (8 465 004|31 390 06|40 628 04) \d\d$/,
  /^\+46 70 174 06 3\d$/,
];

describe('plausible rows', () => {
  it('plausible rows are about as many as asked for, and the same for the same seed and time', () => {
    expect(rows.length).toBeGreaterThan(ROWS * 0.95);
    expect([...worked().truth('opportunity')]).toEqual([...store.truth('opportunity')]);
  });

  it('plausible rows have lookups that point to rows that exist', () => {
    const found = breaking(({ table, row }) =>
      [...(store.tables.get(table)?.columns ?? [])].some((column) => {
        const id = row[`_${column.logicalName}_value`];
        if (!isLookupKind(column.kind) || typeof id !== 'string') return false;
        if (column.targets.includes('businessunit')) return id !== store.businessUnitId;
        return !column.targets.some((target) => store.has(target) && store.data(target).rows.has(id));
      }),
    );
    expect(found).toEqual([]);
    const owned = rows.filter(({ row }) => typeof row['_ownerid_value'] === 'string');
    expect(owned.length).toBeGreaterThan(ROWS * 0.9);
    expect(new Set(owned.map(({ row }) => row['_ownerid_value'])).size).toBeLessThan(16);
  });

  it('plausible rows are created before they are modified, closed when they were last modified, and never in the future', () => {
    const found = breaking(({ row }) => {
      const [created, modified] = [time(row, 'createdon'), time(row, 'modifiedon')];
      const [closed, ended] = [time(row, 'actualclosedate'), time(row, 'actualend')];
      const day = Math.floor(modified / 86_400_000) * 86_400_000;
      return (
        created > modified ||
        modified > END ||
        ended > modified ||
        closed > day ||
        closed < created - 86_400_000
      );
    });
    expect(found).toEqual([]);
  });

  it('plausible rows have choices with options, a status reason of their state, and texts that fit', () => {
    const found = breaking(({ table, row }) =>
      [...(store.tables.get(table)?.columns ?? [])].some((column) => {
        const value = row[column.logicalName];
        if (value === null || value === undefined) return false;
        if (typeof value === 'string' && column.maxLength !== null && value.length > column.maxLength)
          return true;
        // A control character, a mark of direction, or half of a pair.
        if (typeof value === 'string' && /[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/u.test(value)) return true;
        if (typeof value !== 'number' || column.optionSet === null) return false;
        const option = column.optionSet.options.find((each) => each.value === value);
        return option === undefined || (column.kind === 'Status' && option.state !== row['statecode']);
      }),
    );
    expect(found).toEqual([]);
  });

  it('plausible rows have amounts whose twins are converted at the rate of the row', () => {
    const found = breaking(({ row }) =>
      Object.entries(row).some(([name, base]) => {
        const amount = name.endsWith('_base') ? row[name.slice(0, -5)] : undefined;
        if (typeof base !== 'number' || typeof amount !== 'number') return false;
        return Math.abs(base - amount / Number(row['exchangerate'])) > 0.001 || amount < 0;
      }),
    );
    expect(found).toEqual([]);
  });

  it('plausible rows have addresses on the net and telephone numbers that nobody can have', () => {
    const found = breaking(({ row }) =>
      Object.entries(row).some(([name, value]) => {
        if (typeof value !== 'string') return false;
        if (name.includes('mail')) return !/^[a-z0-9.-]+@([a-z0-9-]+\.)+example$/.test(value);
        if (name.startsWith('website')) return !/^https:\/\/www\.[a-z0-9-]+\.example$/.test(value);
        if (name.includes('phone')) return !FREE_NUMBERS.some((free) => free.test(value));
        return false;
      }),
    );
    expect(found).toEqual([]);
    const contacts = rows.filter(({ table }) => table === 'contact');
    const domains = new Map(
      rows.filter(({ table }) => table === 'account').map(({ row }) => [row['accountid'], row['websiteurl']]),
    );
    for (const { row } of contacts) {
      const domain = String(row['emailaddress1']).split('@')[1];
      expect(domains.get(row['_parentcustomerid_value'])).toBe(`https://www.${domain}`);
    }
  });

  it('plausible rows are written in several alphabets, and no two accounts have the same name', () => {
    const names = rows.filter(({ table }) => table === 'account').map(({ row }) => String(row['name']));
    expect(new Set(names).size).toBe(names.length);
    for (const script of [
      /\p{Script=Latin}/u,
      /\p{Script=Greek}/u,
      /\p{Script=Cyrillic}/u,
      /\p{Script=Han}/u,
    ]) {
      expect(names.some((name) => script.test(name))).toBe(true);
    }
  });
});
