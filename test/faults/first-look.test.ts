import { describe, expect, it } from 'vitest';
import { leaseEvents, trespasses, watchLeases } from '../support/lease-journal.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLES = ['account', 'contact'];

/** A mirror that one process has filled. Requests and the journal of leases begin with the next process. */
async function filled(): Promise<SyncBench> {
  const bench = await SyncBench.open();
  for (const table of TABLES) bench.emulator.store.seed(table, 5);
  expect(failures(await bench.sync(TABLES))).toEqual({});
  await watchLeases(bench.database);
  bench.emulator.requests.clear();
  return bench;
}

describe('the first run of a new process', () => {
  it('the first run takes no lease of a table that nobody has changed', async () => {
    await using bench = await filled();
    const results = await bench.sync(TABLES);
    expect(results).toMatchObject(
      TABLES.map((table) => ({ table, phase: 'delta', pages: 1, failure: null })),
    );
    expect(await leaseEvents(bench.database)).toEqual({ idle: 2 });
    expect(bench.dataRequests()).toBe(2);
    expect(await trespasses(bench.database)).toEqual([]);
  });

  it('the first run stores changes under the lease without asking for them again', async () => {
    await using bench = await filled();
    bench.emulator.store.seed('contact', 3);
    expect(await bench.sync(TABLES)).toMatchObject([{ rowsRead: 0 }, { rowsRead: 3, rowsWritten: 3 }]);
    expect(await leaseEvents(bench.database)).toMatchObject({ idle: 1, taken: 1 });
    expect(bench.dataRequests()).toBe(2);
    expect(await differences(bench.emulator.store, bench.database, 'contact')).toEqual([]);
  });

  it.each([
    [
      'a foreign key',
      'ALTER TABLE dataverse.account ADD FOREIGN KEY (accountid) REFERENCES dataverse.account',
    ],
    ['no key', 'ALTER TABLE dataverse.account DROP CONSTRAINT account_pkey'],
    ['no rows', 'DELETE FROM dataverse.account'],
    ['a column less', 'ALTER TABLE dataverse.account DROP COLUMN name'],
    ['a column of another type', 'ALTER TABLE dataverse.account ALTER COLUMN name TYPE varchar(900)'],
    ['another comment', `COMMENT ON COLUMN dataverse.account.name IS 'by hand'`],
    ['another file', 'VACUUM FULL dataverse.account'],
    ['a trigger of ours that is off', 'ALTER TABLE dataverse.account DISABLE TRIGGER mirrorverse_truncated'],
    ['another name', 'ALTER TABLE dataverse.account RENAME TO former'],
    ['another mark', 'UPDATE dataverse._loads SET pages = pages + 1'],
    ['no marks', 'DROP TABLE dataverse._loads'],
    ['a catalog without a column', `DELETE FROM mirrorverse.columns WHERE "column" = 'name'`],
    ['a definition of unknown age', 'UPDATE mirrorverse.definitions SET basis = NULL'],
    ['settings of another process', `UPDATE mirrorverse.settings SET fingerprint = 'another'`],
    ['a recorded failure', `UPDATE mirrorverse.tables SET failures = 1, error_code = 'unexpected'`],
    ['another selection', `UPDATE mirrorverse.tables SET selection = 'name'`],
  ])('the first run prepares a table with %s', async (_, edit) => {
    await using bench = await filled();
    await bench.database.query(edit);
    await bench.sync(['account']);
    expect(await leaseEvents(bench.database)).not.toHaveProperty('idle');
  });
});
