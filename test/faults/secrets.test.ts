import { describe, expect, it } from 'vitest';
import { CommandLine } from '../support/command-line.ts';
import { leaks, ROW_CANARY } from '../support/canaries.ts';
import { failures, SyncBench } from '../support/sync.ts';

const PASSWORD = 'canary-of-a-password';
const TOKEN = 'canary-of-a-token';

describe('a value that PostgreSQL refuses is in no log, message or state', () => {
  it.each([
    ['a unique index', 'CREATE UNIQUE INDEX ON dataverse.account (name)'],
    ['a check constraint', `ALTER TABLE dataverse.account ADD CHECK (name NOT LIKE '${ROW_CANARY}%')`],
    [
      'a trigger that quotes it',
      `CREATE FUNCTION public.quote() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'value %', NEW.name USING DETAIL = NEW.name, ERRCODE = 'XX000'; END $$;
       CREATE TRIGGER quote BEFORE INSERT ON dataverse.account FOR EACH ROW EXECUTE FUNCTION public.quote()`,
    ],
  ])('by %s', async (_, obstacle) => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.insert('account', { name: 'good' });
    expect(failures(await bench.sync(['account']))).toEqual({});
    await bench.database.query(obstacle);
    store.insert('account', { name: ROW_CANARY });
    store.insert('account', { name: ROW_CANARY });
    const told: string[] = [];
    const results = await bench.sync(['account'], { warn: (message) => told.push(message) });
    expect(results[0]?.failure !== null || results[0].rowsQuarantined > 0).toBe(true);

    const state = await bench.database.query(
      `SELECT t::text FROM mirrorverse.tables t UNION ALL SELECT reason FROM mirrorverse.quarantine`,
    );
    const { failure } = results[0] ?? {};
    const said = [
      ...told,
      ...state.map((row) => String(Object.values(row)[0])),
      failure?.message,
      failure?.remedy,
    ];
    expect(said.join('\n')).not.toContain(ROW_CANARY);
    await using cli = await CommandLine.open({
      DATABASE_URL: bench.database.url,
      MIRRORVERSE_TABLES: 'account',
    });
    await cli.run(['status']);
    await cli.run(['quarantine'], { DATAVERSE_URL: bench.url, DATAVERSE_ACCESS_TOKEN: TOKEN });
  });
});

it('the gate of all other tests finds what it looks for', () => {
  expect(leaks(`a ${PASSWORD} b`, [PASSWORD])).toHaveLength(1);
  expect(leaks('https://org/api?$deltatoken=919042%2108%2f22', [])).toHaveLength(1);
  expect(leaks('nothing', [PASSWORD])).toEqual([]);
});
