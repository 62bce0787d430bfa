import { expect, it } from 'vitest';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

it('a last page without a delta link is read again without the metadata version, which is not asked for any more', async () => {
  await using bench = await SyncBench.open();
  const { store, settings, requests } = bench.emulator;
  settings.versionCostsLinks = true;
  store.seed('account', 30);
  await using session = await bench.session(['account'], { pageSize: 10 });
  expect(failures(await session.sync())).toEqual({});
  expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
  requests.clear();
  store.seed('account', 3);
  expect(failures(await session.sync())).toEqual({});
  expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
  expect(bench.dataRequests('account')).toBe(1);
});

it('an environment that lists no table at all is not taken for one whose tables are gone', async () => {
  await using bench = await SyncBench.open();
  await bench.sync(['account']);
  bench.emulator.store.renameTable('account', ['Customer', 'Kunde']);
  bench.emulator.faults.add({
    match: { path: /EntityDefinitions\?/ },
    do: { status: 200, body: '{"value":[]}' },
  });
  // One in use goes on by what is known of it; of one that is new nothing is known.
  const results = await bench.sync(['account', 'contact']);
  expect(failures(results)).toEqual({ contact: 'unexpected-answer' });
  expect(results[1]?.failure).toMatchObject({ reaction: 'retry' });
});
