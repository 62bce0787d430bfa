import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { APPLY_ALL } from '../../src/mirror/table/drift.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import { Places } from '../../src/timing/places.ts';
import { runDaemon } from '../../src/sync/daemon.ts';
import { LeaseKeeper } from '../../src/sync/lease/lease-keeper.ts';
import { readResolution } from '../../src/sync/tables/read-resolution.ts';
import { TableJob } from '../../src/sync/run/table-job.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { mirrorOptions, never, silent } from '../support/mirror.ts';
import { SyncBench } from '../support/sync.ts';

const NAMES = ['account', 'contact'];
/** Milliseconds that an answer takes which nobody waits for. */
const HOUR = 3_600_000;

test('a defect in one schedule ends the daemon with that error, even while the load of another table hangs', async () => {
  await using bench = await SyncBench.open();
  bench.emulator.store.seed('account', 10);
  const hang = bench.emulator.faults.add({
    match: { table: 'account', kind: 'next' },
    do: { delayMs: HOUR },
  });
  const dataverse = bench.dataverse();
  const options = mirrorOptions(bench.database.url);
  const database = openMirrorDatabase(options, silent);
  const environment = { url: bench.url, organizationId: bench.emulator.store.organizationId };
  const mirror = await openMirror(database, options, environment, NAMES);
  const entries = NAMES.map((name) => ({
    name,
    schedule: '* * * * *',
    mode: 'changes' as const,
    columns: ALL_COLUMNS,
    drift: APPLY_ALL,
    softDeletes: false,
    // A page that is stored, and another that the table waits for with its connection in hand.
    pageSize: 5,
  }));
  const choice = { entries, leftOut: [] };
  const leases = new LeaseKeeper(mirror, 'test', silent);
  const daemon = runDaemon(
    {
      dataverse,
      mirror,
      choice: () => choice,
      resolution: await readResolution(dataverse, choice, never),
      createJob(table) {
        const job = new TableJob(table, { dataverse, mirror, leases, logger: silent });
        if (table.name === 'contact') {
          job.run = async () => {
            while (hang.hits === 0) await delay(20);
            throw new TypeError('a defect in a schedule');
          };
        }
        return job;
      },
      leases,
      places: new Places(4),
      logger: silent,
    },
    never,
  );
  await expect(daemon).rejects.toThrow('a defect in a schedule');
  // Ends at once where no table keeps a connection.
  await database.close();
  const rows = await bench.database.query(
    `SELECT lease_holder FROM mirrorverse.tables WHERE "table" = 'account'`,
  );
  expect(rows).toEqual([{ lease_holder: null }]);
  await dataverse.close();
});
