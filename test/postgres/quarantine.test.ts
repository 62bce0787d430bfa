import { describe, expect, it } from 'vitest';
import { DEFAULT_ROW_POLICY } from '../../src/mirror/quarantine/row-policy.ts';
import { id, page, row, THING, tombstone } from '../support/hand-made.ts';
import { never, testMirror, WritingTable } from '../support/mirror.ts';

const QUARANTINE = 'SELECT key, version::int, reason, sqlstate FROM mirrorverse.quarantine ORDER BY key';

/** What PostgreSQL cannot store, by what it says of it. */
const POISON: Record<string, { literals: Record<string, string>; reason: RegExp; sqlstate: string | null }> =
  {
    'a NUL character': { literals: { name: '"a\\u0000b"' }, reason: /column name: a NUL/, sqlstate: null },
    'half a surrogate pair': { literals: { name: '"\\ud800"' }, reason: /surrogate/, sqlstate: null },
    'an integer out of range': {
      literals: { count: '2147483648' },
      reason: /count.*range/,
      sqlstate: '22003',
    },
    'a date that is none': { literals: { birthday: '"2023-02-30"' }, reason: /birthday/, sqlstate: '22008' },
    'text for a number': { literals: { amount: '"much"' }, reason: /amount.*type/, sqlstate: '22P02' },
  };

describe('quarantine', () => {
  for (const [what, { literals, reason, sqlstate }] of Object.entries(POISON)) {
    it(`quarantine takes a row with ${what}, and the rest of its page is stored`, async () => {
      await using test = await testMirror();
      const table = await WritingTable.open(test.mirror, THING);
      const good = Array.from({ length: 30 }, (_, at) => row(at + 10, at + 10));
      const result = await table.write(
        page([...good.slice(0, 17), row(1, 5, literals), ...good.slice(17)], 'delta'),
      );
      expect(result).toMatchObject({ written: 30, quarantined: 1 });
      const [found] = await test.database.query<{ reason: string }>(QUARANTINE);
      expect(found).toMatchObject({ key: id(1), version: 5, sqlstate });
      expect(found?.reason).toMatch(reason);
    });
  }

  it('quarantine takes the first row of a page that PostgreSQL refuses while megabytes of it are still to be sent', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const name = JSON.stringify('x'.repeat(1_000_000));
    const good = Array.from({ length: 20 }, (_, at) => row(at + 10, at + 10, { name }));
    const bad = row(1, 5, { count: '2147483648' });
    const result = await table.write(page([bad, ...good], 'delta'));
    expect(result).toMatchObject({ written: 20, quarantined: 1 });
    expect(await test.database.query(QUARANTINE)).toMatchObject([{ key: id(1), sqlstate: '22003' }]);
  });

  it('quarantine lets a row go when a storable version of it comes', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { count: '99999999999' })], 'delta'));
    await table.write(page([row(1, 6, { count: '1' })], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
    expect(await test.database.query('SELECT count FROM dataverse.thing')).toEqual([{ count: 1 }]);
  });

  it('quarantine lets a row go when it is deleted at the source', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { count: '99999999999' })], 'delta'));
    await table.write(page([tombstone(1)], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
  });

  it('quarantine takes a row without a key', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page(['{"versionnumber":3,"name":"nobody"}', row(2, 2)], 'delta'));
    const [found] = await test.database.query<{ key: string; reason: string }>(QUARANTINE);
    expect(found).toMatchObject({
      key: expect.stringMatching(/^without a key, [0-9a-f]{16}$/) as string,
      version: 3,
    });
    expect(await test.database.query('SELECT FROM dataverse.thing')).toHaveLength(1);
  });

  it('quarantine does not quote the value that PostgreSQL refused', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { amount: '"SECRET-CANARY"' })], 'delta'));
    expect(JSON.stringify(await test.database.query(QUARANTINE))).not.toContain('CANARY');
  });

  it('quarantine keeps the newest refusal of a row, whatever comes after', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 7, { count: '99999999999' })], 'delta'));
    await table.write(page([row(1, 5, { birthday: '"2023-02-30"' })], 'delta'));
    await table.write(page([row(1, 6, { count: '6' })], 'delta'));
    expect(await test.database.query(QUARANTINE)).toMatchObject([{ version: 7, sqlstate: '22003' }]);
    await table.write(page([row(1, 7, { count: '7' })], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
    expect(await test.database.query('SELECT count FROM dataverse.thing')).toEqual([{ count: 7 }]);
  });

  it('quarantine does not take a row that the mirror has in a newer version', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 9), row(2, 3)], 'delta'));
    await table.write(
      page([row(1, 8, { count: '99999999999' }), row(2, 4, { count: '99999999999' })], 'delta'),
    );
    expect(await test.database.query(QUARANTINE)).toMatchObject([{ key: id(2), version: 4 }]);
  });

  it('quarantine does not take a row that is deleted by the same page', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 8, { count: '99999999999' }), tombstone(1)], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
  });

  it('quarantine takes equal rows without a key once', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const nobody = '{"versionnumber":9999999999999999999,"name":"nobody"}';
    await table.write(page([nobody, nobody, row(2, 2)], 'delta'));
    expect(await test.database.query(QUARANTINE)).toMatchObject([{ version: null }]);
  });
});

describe('a NUL', () => {
  it('a NUL is replaced where the policy says so', async () => {
    await using test = await testMirror(30_000, { ...DEFAULT_ROW_POLICY, nul: 'replace' });
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { name: String.raw`"a\u0000b"` })], 'delta'));
    expect(await test.database.query(QUARANTINE)).toEqual([]);
    expect(await test.database.query('SELECT name FROM dataverse.thing')).toEqual([{ name: 'a\ufffdb' }]);
  });
});

/** So many rows, the first of them bad. */
function rows(bad: number, of: number): string[] {
  return Array.from({ length: of }, (_, at) => row(at + 1, 5, at < bad ? { count: '99999999999' } : {}));
}

describe('a page with more bad rows than its share', () => {
  it.each([
    ['a tenth of a large page', 20, 200],
    ['ten rows of a small one', 10, 10],
  ])('a page with many bad rows is stored up to %s', async (_, bad, of) => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const result = await table.write(page(rows(bad, of), 'delta'));
    expect(result).toMatchObject({ written: of - bad, quarantined: bad });
  });

  it('a page with more bad rows than its share stops the table, and nothing of it is committed', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 1)], 'next'));
    const before = await test.database.query('SELECT phase, link FROM mirrorverse.tables');
    await expect(table.write(page(rows(21, 200), 'delta'))).rejects.toMatchObject({
      code: 'too-many-bad-rows',
      reaction: 'stop-table',
      message: expect.stringMatching(/page of 200 rows of table thing 21 or more .*column count/) as string,
      remedy: expect.stringContaining('quarantine.maxShare') as string,
      details: { sqlstate: '22003' },
    });
    expect(await test.database.query('SELECT phase, link FROM mirrorverse.tables')).toEqual(before);
    expect(await test.database.query(QUARANTINE)).toEqual([]);
    expect(await test.database.query('SELECT FROM dataverse.thing')).toHaveLength(1);
  });

  it('a page with more bad rows than its share is given up soon after the limit, not after its last row', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const failure: unknown = await table
      .write(page(rows(5_000, 5_000), 'delta'))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'too-many-bad-rows', details: { rows: 5_000, bad: 501 } });
  });
});

/** Rows with names that a later call moves on by one. */
function named(version: number, shift: number): string[] {
  return Array.from({ length: 9 }, (_, at) => row(at + 1, version + at, { name: `"n${at + shift}"` }));
}

/** A table to refer to, and a trigger that refuses some rows. */
const OF_OTHERS = `
  CREATE TABLE public.parent (id integer PRIMARY KEY);
  INSERT INTO public.parent VALUES (1);
  CREATE FUNCTION public.refuses() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
      IF NEW.name = 'refused' THEN RAISE EXCEPTION 'not this name: %', NEW.name; END IF;
      RETURN NEW;
    END $body$;
  CREATE TRIGGER refuses BEFORE INSERT OR UPDATE ON dataverse.thing
    FOR EACH ROW EXECUTE FUNCTION public.refuses()`;

describe('a row that PostgreSQL refuses only when it is merged', () => {
  const REFUSALS: Record<string, { ddl: string; literals: Record<string, string>; sqlstate: string }> = {
    'a check constraint': {
      ddl: 'ADD CONSTRAINT positive CHECK (count > 0)',
      literals: { count: '-1' },
      sqlstate: '23514',
    },
    'a NOT NULL': { ddl: 'ALTER COLUMN name SET NOT NULL', literals: { name: 'null' }, sqlstate: '23502' },
    'a unique index': {
      ddl: 'ADD CONSTRAINT one UNIQUE (amount)',
      literals: { amount: '10' },
      sqlstate: '23505',
    },
    'a limit of an index': {
      ddl: 'ADD CONSTRAINT indexed UNIQUE (name)',
      literals: { name: JSON.stringify(Array.from({ length: 3_000 }, (_, at) => at * 7919).join(' ')) },
      sqlstate: '54000',
    },
    'a foreign key': {
      ddl: 'ADD CONSTRAINT parent FOREIGN KEY (count) REFERENCES public.parent',
      literals: { count: '2' },
      sqlstate: '23503',
    },
    'a trigger that raises': {
      ddl: 'ENABLE TRIGGER refuses',
      literals: { name: '"refused"' },
      sqlstate: 'P0001',
    },
  };

  for (const [what, { ddl, literals, sqlstate }] of Object.entries(REFUSALS)) {
    for (const phase of ['baseline', 'rebaseline'] as const) {
      it(`a row that is refused in the merge by ${what} goes to quarantine in a ${phase}, and the rest of its page is stored`, async () => {
        await using test = await testMirror();
        const table = await WritingTable.open(test.mirror, THING, { phase });
        await test.database.query(OF_OTHERS);
        await test.database.query(`ALTER TABLE dataverse.thing ${ddl}`);
        const good = Array.from({ length: 30 }, (_, at) =>
          row(at + 10, at + 10, { amount: String(at), count: '1', name: `"name ${at}"` }),
        );
        const bad = row(1, 5, { amount: '-1', count: '1', name: '"bad"', ...literals });
        const twoReasons = row(2, 6, { amount: '"much"' });
        const entries = [...good.slice(0, 17), bad, ...good.slice(17), twoReasons];
        expect(await table.write(page(entries, 'delta'))).toMatchObject({ written: 30, quarantined: 2 });
        expect(await test.database.query(QUARANTINE)).toMatchObject([
          { key: id(1), version: 5, sqlstate },
          { key: id(2), version: 6, sqlstate: '22P02' },
        ]);
        expect(await test.database.query('SELECT FROM dataverse.thing')).toHaveLength(30);
      });
    }
  }

  it('a row that is refused in the merge waits for another row to give up the value that both cannot have', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await test.database.query('CREATE UNIQUE INDEX ON dataverse.thing (name)');
    await table.write(page([row(1, 1, { name: '"a"' }), row(2, 2, { name: '"b"' })], 'delta'));
    const result = await table.write(page([row(1, 3, { name: '"b"' }), row(2, 4, { name: '"c"' })], 'delta'));
    expect(result).toMatchObject({ written: 2, quarantined: 0 });
  });

  it('a row that is refused in the merge waits for all rows that have to give up a value one after the other', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await test.database.query('CREATE UNIQUE INDEX ON dataverse.thing (name)');
    await table.write(page(named(1, 0), 'delta'));
    expect(await table.write(page(named(20, 1), 'delta'))).toMatchObject({ written: 9, quarantined: 0 });
  });

  it('a row that is refused in the merge costs no more the more of its page are refused', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await test.database.query('ALTER TABLE dataverse.thing ADD CONSTRAINT positive CHECK (count > 0)');
    const entries = Array.from({ length: 5_000 }, (_, at) =>
      row(at + 1, 5, { count: at % 10 === 0 ? '-1' : '1' }),
    );
    expect(await table.write(page(entries, 'delta'))).toMatchObject({ written: 4_500, quarantined: 500 });
    // What was tried in vain stays as dead rows, and each of them was work.
    const [left] = await test.database.query<{ tried: number }>(
      `SELECT pg_relation_size('dataverse.thing') / (SELECT avg(pg_column_size(t.*)) FROM dataverse.thing t) / 4500 AS tried
         FROM generate_series(1, 1)`,
    );
    expect(Number(left?.tried)).toBeLessThan(4);
  });

  it('a row that is refused in the merge is seen once by a re-baseline, as its other rows are', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING, { phase: 'rebaseline' });
    await test.database.query('ALTER TABLE dataverse.thing ADD CONSTRAINT positive CHECK (count > 0)');
    const entries = Array.from({ length: 300 }, (_, at) => row(at + 1, 5, { count: at === 7 ? '0' : '1' }));
    await table.write(page(entries, 'next'));
    const seen = await test.database.query(
      'SELECT count(*)::int AS keys, count(DISTINCT key)::int AS rows FROM mirrorverse.seen_1_thing',
    );
    expect(seen).toEqual([{ keys: 300, rows: 300 }]);
  });

  it('rows that are refused in the merge stop the table when there are too many', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await test.database.query('ALTER TABLE dataverse.thing ADD CONSTRAINT positive CHECK (count > 0)');
    const entries = Array.from({ length: 40 }, (_, at) => row(at + 1, 5, { count: '0' }));
    await expect(table.write(page(entries, 'delta'))).rejects.toMatchObject({
      code: 'too-many-bad-rows',
      details: { sqlstate: '23514', bad: 11 },
      remedy: expect.stringContaining('constraint') as string,
    });
  });
});

describe('a row that is read again', () => {
  it('a row that is read again is not stored by a process that lost its lease', async () => {
    await using test = await testMirror();
    const first = await WritingTable.open(test.mirror, THING, { holder: 'paused' });
    await first.write(page([row(1, 5, { count: '99999999999' })], 'delta'));
    await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
    const second = await WritingTable.open(test.mirror, THING, { holder: 'successor' });
    const again = page([row(1, 6)], 'delta');
    await expect(first.writer.storeAgain(again, [], never)).rejects.toMatchObject({ code: 'lease-lost' });
    expect(await test.database.query(QUARANTINE)).toHaveLength(1);
    expect(await test.database.query('SELECT FROM dataverse.thing')).toEqual([]);
    await second.writer.storeAgain(again, [], never);
    expect(await test.database.query(QUARANTINE)).toEqual([]);
    await first.writer.close();
    await second.writer.close();
  });

  it('a row that is read again is stored in the version that the mirror has already, and in no older one', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5, { name: '"as it was"' }), row(2, 5)], 'delta'));
    await table.writer.storeAgain(
      page([row(1, 5, { name: '"filled"' }), row(2, 4, { name: '"older"' })], 'delta'),
      [],
      never,
    );
    const names = await test.database.query('SELECT name FROM dataverse.thing ORDER BY thingid');
    expect(names).toEqual([{ name: 'filled' }, { name: null }]);
  });

  it('a row that is read again goes back to quarantine, whatever share of such rows is bad', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const bad = Array.from({ length: 150 }, (_, at) => row(at + 1, 5, { count: '99999999999' }));
    await table.writer.storeAgain(page(bad, 'delta'), [], never);
    expect(await test.database.query(QUARANTINE)).toHaveLength(150);
  });
});
