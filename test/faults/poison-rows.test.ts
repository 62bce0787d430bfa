import { describe, expect, it } from 'vitest';
import { parsePage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { ROW_CANARY } from '../support/canaries.ts';
import { CommandLine } from '../support/command-line.ts';
import { id, page, row, THING } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

interface Poison {
  readonly column: string;
  /** JSON, as the row has it. */
  readonly literal: string;
  readonly reason: RegExp;
  readonly sqlstate: string | null;
}

const POISON: Readonly<Record<string, Poison>> = {
  'a NUL in a text': {
    column: 'name',
    literal: String.raw`"${ROW_CANARY}\u0000"`,
    reason: /column name: a NUL/,
    sqlstate: null,
  },
  'a high surrogate alone': {
    column: 'name',
    literal: String.raw`"${ROW_CANARY}\ud83d"`,
    reason: /column name: half of a surrogate pair/,
    sqlstate: null,
  },
  'a low surrogate first': {
    column: 'description',
    literal: String.raw`"\udca9\ud83d"`,
    reason: /column description: half of a surrogate pair/,
    sqlstate: null,
  },
  'an object for a text': {
    column: 'name',
    literal: `{"Text":"${ROW_CANARY}"}`,
    reason: /column name: an object or array/,
    sqlstate: null,
  },
  'a list for a number': {
    column: 'numberofemployees',
    literal: '[1]',
    reason: /column numberofemployees: an object or array/,
    sqlstate: null,
  },
  'a text for a whole number': {
    column: 'numberofemployees',
    literal: `"${ROW_CANARY}"`,
    reason: /column numberofemployees: a value that is not of the type/,
    sqlstate: '22P02',
  },
  'a truth for a whole number': {
    column: 'new_ledgernumber',
    literal: 'true',
    reason: /column new_ledgernumber: a value that is not of the type/,
    sqlstate: '22P02',
  },
  'a number for a truth': {
    column: 'donotemail',
    literal: '2',
    reason: /column donotemail: a value that is not of the type/,
    sqlstate: '22P02',
  },
  'a text for a list of options': {
    column: 'new_activities',
    literal: `"${ROW_CANARY}"`,
    reason: /column new_activities: not a list of option values/,
    sqlstate: null,
  },
  'a text for a lookup': {
    column: '_ownerid_value',
    literal: `"${ROW_CANARY}"`,
    reason: /column ownerid: a value that is not of the type/,
    sqlstate: '22P02',
  },
  'an integer out of range': {
    column: 'numberofemployees',
    literal: '2147483648',
    reason: /column numberofemployees.*range/,
    sqlstate: '22003',
  },
  'a big integer out of range': {
    column: 'new_ledgernumber',
    literal: '9223372036854775808',
    reason: /column new_ledgernumber.*range/,
    sqlstate: '22003',
  },
  'an exact number of too many digits': {
    column: 'revenue',
    literal: '1e131072',
    reason: /column revenue|the row.*range/,
    sqlstate: '22003',
  },
  'an exact number that is none': {
    column: 'new_score',
    literal: '"NaN"',
    reason: /column new_score: a word/,
    sqlstate: null,
  },
  'an exact number without end': {
    column: 'revenue',
    literal: '"-Infinity"',
    reason: /column revenue: a word/,
    sqlstate: null,
  },
  'a double out of range': {
    column: 'new_discount',
    literal: '1e400',
    reason: /column new_discount.*range/,
    sqlstate: '22003',
  },
  'a day before the first': {
    column: 'new_founded',
    literal: '"0000-12-31"',
    reason: /column new_founded.*date/,
    sqlstate: '22008',
  },
  'a day after the last that PostgreSQL has': {
    column: 'new_founded',
    literal: '"5874898-01-01"',
    reason: /column new_founded.*date/,
    sqlstate: '22008',
  },
  'a time after the last that PostgreSQL has': {
    column: 'lastonholdtime',
    literal: '"294277-01-01T00:00:00Z"',
    reason: /column lastonholdtime.*date/,
    sqlstate: '22008',
  },
  'a day that depends on today': {
    column: 'new_founded',
    literal: '"tomorrow"',
    reason: /column new_founded: a word/,
    sqlstate: null,
  },
  'a time that never comes': {
    column: 'new_opensat',
    literal: '"infinity"',
    reason: /column new_opensat: a word/,
    sqlstate: null,
  },
};

const ENTRIES = `SELECT "table", key, version::text, reason, sqlstate, now() - time < interval '5 minutes' AS recent
  FROM mirrorverse.quarantine ORDER BY key`;

/** A row of each sort, by its id. */
function poisoned({ emulator }: SyncBench): Map<string, Poison> {
  return new Map(
    Object.values(POISON).map((poison) => [
      emulator.store.insert('account', { [poison.column]: { json: poison.literal } }),
      poison,
    ]),
  );
}

describe('rows that cannot be stored', () => {
  for (const phase of ['baseline', 'delta'] as const) {
    it(`rows of each sort that cannot be stored go to quarantine with their reasons, and leave it once they are mended, in a ${phase}`, async () => {
      await using bench = await SyncBench.open();
      const { store } = bench.emulator;
      store.seed('account', 250);
      const before = phase === 'delta' ? await bench.sync(['account']) : [];
      expect(failures(before)).toEqual({});
      store.seed('account', 250);
      const rows = poisoned(bench);

      const [result] = await bench.sync(['account']);
      expect(result).toMatchObject({ failure: null });
      const entries = await bench.database.query<{ key: string }>(ENTRIES);
      expect(entries.map(({ key }) => key)).toEqual([...rows.keys()].toSorted());
      expect(result?.rowsQuarantined).toBe(rows.size);
      const versions = new Map([...store.rows('account')].map(({ id: key, version }) => [key, version]));
      for (const entry of entries) {
        const { reason, sqlstate } = rows.get(entry.key) as Poison;
        const version = String(versions.get(entry.key));
        const told = { table: 'account', version, sqlstate, recent: true };
        expect(entry).toMatchObject({ ...told, reason: expect.stringMatching(reason) as string });
      }
      expect(JSON.stringify(entries)).not.toContain(ROW_CANARY);
      const missing = entries.map(({ key }) => `${key} is missing`);
      expect((await differences(store, bench.database, 'account')).toSorted()).toEqual(missing);

      // Its link has moved: they do not come again by themselves.
      bench.emulator.requests.clear();
      expect((await bench.sync(['account']))[0]).toMatchObject({ failure: null, rowsRead: 0 });
      expect(bench.dataRequests('account')).toBe(1);

      for (const [key, { column }] of rows) store.update('account', key, { [column]: null });
      expect(failures(await bench.sync(['account']))).toEqual({});
      expect(await bench.database.query(ENTRIES)).toEqual([]);
      expect(await differences(store, bench.database, 'account')).toEqual([]);
    });
  }

  it('rows that were mended without a new version leave quarantine by `quarantine retry`', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 250);
    const rows = poisoned(bench);
    expect(failures(await bench.sync(['account']))).toEqual({});
    for (const [key, { column }] of rows) store.recalculate('account', key, { [column]: null });
    expect((await bench.sync(['account']))[0]).toMatchObject({ quarantined: rows.size });

    await using cli = await CommandLine.open(mirrorEnvironment(bench, ['account']));
    const { document } = await cli.json(['quarantine', 'retry', 'account']);
    expect(document).toMatchObject({ tables: [{ stored: rows.size, gone: 0, quarantined: 0 }] });
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});

describe('values at the edge of what can be stored', () => {
  const EDGES: readonly (readonly [column: string, literal: string, stored: string])[] = [
    ['new_founded', '"0001-01-01"', '0001-01-01'],
    ['new_founded', '"9999-12-31"', '9999-12-31'],
    ['lastonholdtime', '"0001-01-01T00:00:00Z"', '0001-01-01 00:00:00+00'],
    ['lastonholdtime', '"9999-12-31T23:59:59Z"', '9999-12-31 23:59:59+00'],
    ['new_opensat', '"9999-12-31T23:59:59Z"', '9999-12-31 23:59:59'],
    // OData's own words for the doubles that JSON has no number for.
    ['new_discount', '"NaN"', 'NaN'],
    ['new_discount', '"INF"', 'Infinity'],
    ['new_discount', '"-INF"', '-Infinity'],
    ['new_ledgernumber', '-9223372036854775808', '-9223372036854775808'],
    ['revenue', `1${'0'.repeat(300)}.0000000001`, `1${'0'.repeat(300)}.0000000001`],
    ['name', String.raw`"\ud83d\ude80"`, '\u{1F680}'],
  ];

  it('dates, times, numbers and half-written characters at the edge are stored as they came', async () => {
    await using bench = await SyncBench.open();
    const ids = EDGES.map(([column, literal]) =>
      bench.emulator.store.insert('account', { [column]: { json: literal } }),
    );
    expect((await bench.sync(['account']))[0]).toMatchObject({ failure: null, rowsQuarantined: 0 });
    const client = await bench.database.pool.connect();
    try {
      await client.query(`SET TimeZone = 'UTC'`);
      for (const [at, [column, , stored]] of EDGES.entries()) {
        const found = `SELECT ${column}::text AS stored FROM dataverse.account WHERE accountid = $1`;
        expect((await client.query(found, [ids[at]])).rows).toEqual([{ stored }]);
      }
    } finally {
      client.release();
    }
  });

  it('a memo of a megabyte, of characters that grow when they are escaped, is stored as it came', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.insert('account', { description: '\\\n\t\u{1F680}'.repeat(209_715) });
    expect((await bench.sync(['account']))[0]).toMatchObject({ failure: null, rowsQuarantined: 0 });
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});

describe('rows without a key or with broken text', () => {
  it('a row without its key is in quarantine until a load brings it with its key', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    store.seed('account', 20);
    const lost = store.insert('account', { name: ROW_CANARY });
    const keyless = faults.add({
      match: { kind: 'baseline' },
      do: { transformText: (text) => text.replace(`"accountid":"${lost}",`, '') },
    });
    expect((await bench.sync(['account']))[0]).toMatchObject({ failure: null, rowsQuarantined: 1 });
    expect(keyless.hits).toBeGreaterThan(0);
    expect(await bench.database.query(ENTRIES)).toMatchObject([
      { key: expect.stringMatching(/^without a key, [0-9a-f]{16}$/) as string },
    ]);
    keyless.remove();
    expect(failures(await bench.sync(['account'], {}, { restart: true }))).toEqual({});
    expect(await bench.database.query(ENTRIES)).toEqual([]);
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('a row with bytes that are not UTF-8 is in quarantine, and its neighbours are stored', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const { bytes, link } = page([row(1, 5), row(2, 6, { name: '"caf?"' }), row(3, 7)], 'delta');
    const garbled = Uint8Array.from(bytes);
    garbled[Buffer.from(bytes).indexOf('caf?') + 3] = 0xe9;
    const shape = new RowShape(THING.columns.map(({ property }) => property));
    expect(await table.write({ ...parsePage(garbled, shape), link })).toMatchObject({
      written: 2,
      quarantined: 1,
    });
    expect(await test.database.query(ENTRIES)).toMatchObject([
      { key: id(2), version: '6', sqlstate: '22021' },
    ]);
  });
});

describe('more bad rows than a page may have', () => {
  it('more bad rows than a page may have stop their table with its link where it was, and no other table', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    for (const table of ['account', 'contact']) store.seed(table, 20);
    const tables = ['account', 'contact'];
    expect(failures(await bench.sync(tables))).toEqual({});
    const links = `SELECT "table", link FROM mirrorverse.tables WHERE "table" = 'account'`;
    const before = await bench.database.query(links);

    const bad = Array.from({ length: 11 }, () => store.insert('account', { name: `${ROW_CANARY}\0` }));
    store.insert('contact', { firstname: 'good' });
    expect(failures(await bench.sync(tables))).toEqual({ account: 'too-many-bad-rows' });
    expect(await bench.database.query(links)).toEqual(before);
    expect(await bench.database.query(ENTRIES)).toEqual([]);
    expect(await differences(store, bench.database, 'contact')).toEqual([]);

    for (const key of bad.slice(1)) store.update('account', key, { name: 'mended' });
    expect((await bench.sync(['account']))[0]).toMatchObject({ failure: null, quarantined: 1 });
    store.update('account', bad[0] ?? '', { name: 'mended' });
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});
