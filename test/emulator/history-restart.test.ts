import { expect, it } from 'vitest';
import { historyDifferences } from '../support/history.ts';
import { leaseEvents, watchLeases } from '../support/lease-journal.ts';
import { failures, SyncBench } from '../support/sync.ts';

const HISTORY = { history: {} };

it('a new process leaves a table with a history as it is, makes a lost history anew, and ends one that is not wanted', async () => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  store.seed('account', 5);
  expect(failures(await bench.sync(['account'], HISTORY))).toEqual({});
  await watchLeases(bench.database);
  await bench.sync(['account'], HISTORY);
  expect(await leaseEvents(bench.database)).toEqual({ idle: 1 });
  expect(await historyDifferences(bench.database, 'account', true)).toEqual([]);

  await bench.database.query('DROP TABLE dataverse_history.account CASCADE');
  expect(failures(await bench.sync(['account'], HISTORY))).toEqual({});
  expect(await historyDifferences(bench.database, 'account', true)).toEqual([]);

  expect(failures(await bench.sync(['account']))).toEqual({});
  expect(await historyDifferences(bench.database, 'account', true)).toEqual(['account has no history']);
  const records = await bench.database.query(
    'SELECT count(*)::int AS records FROM dataverse_history.account',
  );
  expect(records).toEqual([{ records: 5 }]);
});
