import { describe, expect, it } from 'vitest';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** A mirrored table of twenty rows, of which one is deleted and one changed at the source since. */
async function mirrored(bench: SyncBench): Promise<string[]> {
  const { store } = bench.emulator;
  const ids = store.seed('account', 20);
  await bench.sync(['account']);
  store.remove('account', ids[0] as string);
  store.update('account', ids[1] as string, { name: 'changed' });
  return ids;
}

async function expectEqualAfterSync(bench: SyncBench): Promise<void> {
  expect(failures(await bench.sync(['account']))).toEqual({});
  expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
}

describe('the mirror after a loss of state or columns', () => {
  it('the mirror becomes equal again when the state of a table was deleted, deletions included', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    await bench.database.query('DELETE FROM mirrorverse.tables');
    await expectEqualAfterSync(bench);
  });

  it('the mirror becomes equal again when the whole state schema was dropped', async () => {
    // Only who may create schemas gets it back without anybody's help.
    await using bench = await SyncBench.open({}, 'administrator');
    await mirrored(bench);
    await bench.database.query('DROP SCHEMA mirrorverse CASCADE');
    await expectEqualAfterSync(bench);
  });

  it('the mirror becomes equal again when a column was dropped by hand', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    await bench.database.query('ALTER TABLE dataverse.account DROP COLUMN name');
    await expectEqualAfterSync(bench);
  });

  it('the mirror becomes equal again when a column was given another type by hand', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    await bench.database.query('ALTER TABLE dataverse.account ALTER COLUMN revenue TYPE double precision');
    await expectEqualAfterSync(bench);
  });

  it('the mirror becomes equal again when the keys that a re-baseline had seen are gone', async () => {
    await using bench = await SyncBench.open();
    const { faults, settings } = bench.emulator;
    await mirrored(bench);
    settings.expireTokens();
    const fault = faults.add({ match: { kind: 'next' }, after: 1, do: { status: 403, code: '0x80040220' } });
    await bench.sync(['account'], { pageSize: 5 });
    fault.remove();
    const [seen] = await bench.database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relname LIKE 'seen%'`,
    );
    await bench.database.query(`DROP TABLE mirrorverse."${seen?.name}"`);
    await expectEqualAfterSync(bench);
  });

  it('the mirror becomes equal again when deletes were soft and are hard now', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = store.seed('account', 20);
    await bench.sync(['account'], { softDeletes: true });
    for (const id of ids.slice(0, 3)) store.remove('account', id);
    await bench.sync(['account'], { softDeletes: true });
    store.restore('account', ids[0] as string);
    await expectEqualAfterSync(bench);
    expect(await bench.database.query('SELECT FROM dataverse.account')).toHaveLength(18);
  });

  it('the mirror becomes equal again when deletes were hard and are soft now', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = store.seed('account', 20);
    await bench.sync(['account']);
    store.remove('account', ids[0] as string);
    expect(failures(await bench.sync(['account'], { softDeletes: true }))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
    expect(await bench.database.query('SELECT FROM dataverse.account')).toHaveLength(20);
  });
});
