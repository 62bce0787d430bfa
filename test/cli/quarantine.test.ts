import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differences } from '../support/oracle.ts';
import { dataRequests, openBench, type Bench } from '../support/bench.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench(['account', 'contact']);
});
afterEach(async () => bench[Symbol.asyncDispose]());

const CHECKPOINT = `SELECT phase, link, link_issued_at, last_success_at FROM mirrorverse.tables WHERE "table" = 'account'`;
const KEYS = 'SELECT key FROM mirrorverse.quarantine ORDER BY key';

/** Accounts of which these are in quarantine. */
async function poisoned(count: number): Promise<string[]> {
  const { store } = bench.emulator;
  store.seed('account', 5);
  const ids = Array.from({ length: count }, () => store.insert('account', { name: 'a\0b' }));
  expect((await bench.cli.run(['sync'])).status).toBe(1);
  return ids.toSorted();
}

/** A configuration that stores text with a NUL. */
async function lenient(): Promise<string[]> {
  return ['--config', await bench.cli.file('lenient.yaml', 'quarantine: { nul: replace }\n')];
}

describe('quarantine', () => {
  it('quarantine lists the rows with their reasons, without signing in', async () => {
    expect(await bench.cli.json(['quarantine'])).toMatchObject({ status: 0, document: { rows: [] } });
    const [first, second] = await poisoned(2);
    bench.emulator.requests.clear();
    const listed = await bench.cli.json(['quarantine', 'account'], { DATAVERSE_URL: '' });
    expect(listed.status).toBe(0);
    const entry = {
      table: 'account',
      version: expect.stringMatching(/^\d+$/) as string,
      reason: expect.stringContaining('column name: a NUL') as string,
      sqlstate: null,
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    };
    const document = listed.document as { rows: { key: string }[] };
    expect(document.rows.toSorted((a, b) => a.key.localeCompare(b.key))).toEqual([
      { ...entry, key: first },
      { ...entry, key: second },
    ]);
    expect(await bench.cli.json(['quarantine', 'contact'])).toMatchObject({ document: { rows: [] } });
    expect((await bench.cli.run(['quarantine', 'acc*'])).stdout).toContain(first);
    expect((await bench.cli.run(['quarantine', 'lead'])).status).toBe(2);
    expect(bench.emulator.requests.count({})).toBe(0);
  });
});

describe('quarantine retry', () => {
  it('quarantine retry stores what can be stored now and leaves the checkpoint as it is', async () => {
    const ids = await poisoned(3);
    const before = await bench.database.query(CHECKPOINT);
    bench.emulator.requests.clear();
    const retried = await bench.cli.json(['quarantine', 'retry', ...(await lenient())]);
    expect(retried.status).toBe(0);
    expect(retried.document).toMatchObject({
      tables: [
        { table: 'account', stored: 3, gone: 0, quarantined: 0, withoutKey: 0, error: null },
        { table: 'contact', stored: 0, gone: 0, quarantined: 0, withoutKey: 0, error: null },
      ],
    });
    expect(dataRequests(bench.emulator, 'account').map(({ kind }) => kind)).toEqual(['list']);
    expect(await bench.database.query(CHECKPOINT)).toEqual(before);
    const stored = await bench.database.query(
      'SELECT accountid::text AS key FROM dataverse.account WHERE name = $1 ORDER BY 1',
      ['a\u{FFFD}b'],
    );
    expect(stored.map(({ key }) => key)).toEqual(ids);
    expect((await bench.cli.run(['sync', ...(await lenient())])).status).toBe(0);
  });

  it('quarantine retry keeps rows that are still bad and takes out those that are gone', async () => {
    const { store } = bench.emulator;
    const [still, gone, mended] = (await poisoned(3)) as [string, string, string];
    store.remove('account', gone);
    store.update('account', mended, { name: 'mended' });
    const retried = await bench.cli.json(['quarantine', 'retry', 'account']);
    expect(retried).toMatchObject({
      status: 1,
      document: { tables: [{ table: 'account', stored: 1, gone: 1, quarantined: 1 }] },
    });
    expect(await bench.database.query(KEYS)).toEqual([{ key: still }]);
    // The delta brings both once more, and changes nothing.
    store.update('account', still, { name: 'mended too' });
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('quarantine retry takes no row out whose version in quarantine is newer than the one it read', async () => {
    const { store } = bench.emulator;
    const [id] = (await poisoned(1)) as [string];
    await bench.database.query('UPDATE mirrorverse.quarantine SET version = version + 1000000');
    store.update('account', id, { name: 'storable, but older' });
    expect((await bench.cli.run(['quarantine', 'retry', 'account'])).status).toBe(1);
    expect(await bench.database.query(KEYS)).toEqual([{ key: id }]);
  });

  it('quarantine retry says what helps rows that came without a key', async () => {
    bench.emulator.store.seed('account', 5);
    await bench.cli.run(['sync']);
    await bench.database.query(
      `INSERT INTO mirrorverse.quarantine (environment_id, "table", key, reason)
       SELECT environment_id, "table", 'without a key, 0123456789abcdef', 'no key' FROM mirrorverse.tables WHERE "table" = 'account'`,
    );
    const retried = await bench.cli.json(['quarantine', 'retry']);
    expect(retried).toMatchObject({
      status: 1,
      document: { tables: [{ withoutKey: 1, quarantined: 1 }, {}] },
    });
    expect(retried.stderr).toContain('backfill account --restart');
    expect((await bench.cli.run(['backfill', 'account', '--restart'])).status).toBe(0);
    expect(await bench.database.query(KEYS)).toEqual([]);
  });
});

describe('quarantine dismiss', () => {
  it('quarantine dismiss takes a row without a key out for good, so that passes succeed, and keeps it out in every new load', async () => {
    const { store, faults } = bench.emulator;
    store.seed('account', 5);
    const lost = store.insert('account', { name: 'nobody' });
    faults.add({
      match: { table: 'account', kind: 'baseline' },
      do: { transformText: (text) => text.replace(`"accountid":"${lost}",`, '') },
    });
    expect((await bench.cli.run(['sync'])).status).toBe(1);
    expect((await bench.cli.run(['sync'])).status).toBe(1);
    const [{ key } = { key: '' }] = await bench.database.query<{ key: string }>(KEYS);
    expect(key).toMatch(/^without a key, /);
    const hash = key.slice(-16);
    expect(await bench.cli.json(['quarantine', 'dismiss', 'account', hash])).toMatchObject({
      status: 0,
      document: { table: 'account', dismissed: [key], quarantined: 0 },
    });
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    const loaded = await bench.cli.json(['backfill', 'account', '--restart']);
    expect(loaded).toMatchObject({
      status: 0,
      document: { tables: [{ quarantined: 0, rowsQuarantined: 0 }] },
    });
    expect((await bench.cli.json(['quarantine'])).document).toMatchObject({
      rows: [],
      dismissed: [{ table: 'account', key, dismissedAt: expect.stringMatching(/Z$/) as string }],
    });
    const status = (await bench.cli.json(['status'])).document;
    expect(status).toMatchObject({ tables: [{ table: 'account', quarantined: 0 }, {}] });
  });

  it('quarantine dismiss takes all rows of the table out where no key is given, and a newer version of one counts again', async () => {
    const { store } = bench.emulator;
    const [again, mended] = (await poisoned(2)) as [string, string];
    const dismissed = await bench.cli.run(['quarantine', 'dismiss', 'account']);
    expect(dismissed).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('2 rows of account dismissed, 0 left') as string,
    });
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    expect((await bench.cli.json(['backfill', '--restart'])).status).toBe(0);
    store.update('account', again, { name: 'b\0c' });
    store.update('account', mended, { name: 'mended' });
    expect((await bench.cli.run(['sync'])).status).toBe(1);
    expect((await bench.cli.json(['quarantine'])).document).toMatchObject({
      rows: [{ key: again }],
      dismissed: [],
    });
    expect((await bench.cli.run(['quarantine', 'dismiss', 'account', again.toUpperCase()])).status).toBe(0);
    expect((await bench.cli.run(['quarantine'])).stdout).toMatch(/No row is in quarantine[^]*Dismissed:/);
  });

  it('quarantine dismiss refuses an unknown key, an unknown table, and a missing table name', async () => {
    const [there] = (await poisoned(1)) as [string];
    const refused = await bench.cli.run(['quarantine', 'dismiss', 'account', there, 'elsewhere']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('no such row in quarantine: elsewhere');
    expect((await bench.cli.json(['quarantine'])).document).toMatchObject({ rows: [{ key: there }] });
    for (const words of [['lead'], ['acc*'], []]) {
      expect((await bench.cli.run(['quarantine', 'dismiss', ...words])).status).toBe(2);
    }
    expect((await bench.cli.run(['quarantine', 'dismiss', 'contact'])).stdout).toContain('0 rows');
  });
});
