import { expect, it } from 'vitest';
import { APPLY_ALL } from '../../src/mirror/table/drift.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import { openPool } from '../../src/mirror/connection/postgres.ts';
import { Places } from '../../src/timing/places.ts';
import { runDaemon } from '../../src/sync/daemon.ts';
import { LeaseKeeper } from '../../src/sync/lease/lease-keeper.ts';
import { readResolution } from '../../src/sync/tables/read-resolution.ts';
import { TableJob } from '../../src/sync/run/table-job.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { eventually } from '../support/command-line.ts';
import { silent } from '../support/mirror.ts';
import { isMirrored } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { SyncBench } from '../support/sync.ts';

/** A daemon over tables that fit `new_c*`, in this process, that looks at the environment often. */
class Daemon implements AsyncDisposable {
  private readonly stop = new AbortController();
  private ended = Promise.resolve();

  start(bench: SyncBench): void {
    this.ended = this.run(bench);
  }

  private async run(bench: SyncBench): Promise<void> {
    const { signal } = this.stop;
    const dataverse = bench.dataverse();
    const options = {
      url: bench.database.url,
      schema: 'dataverse',
      stateSchema: 'mirrorverse',
      connections: 12,
      leaseDuration: 30_000,
    };
    const pool = openPool({ url: options.url, connections: 12, idleInTransaction: 30_000 }, silent);
    try {
      const { organizationId } = bench.emulator.store;
      const environment = { url: bench.url, organizationId, linkLifeDays: 7 };
      const mirror = await openMirror({ ...options, pool }, options, environment, []);
      const leases = new LeaseKeeper(mirror, 'test', silent);
      const entry = {
        name: 'new_c*',
        schedule: '* * * * * *',
        mode: 'changes' as const,
        columns: ALL_COLUMNS,
        drift: APPLY_ALL,
        softDeletes: false,
        pageSize: 5_000,
      };
      const choice = { entries: [entry], leftOut: [] };
      await runDaemon(
        {
          dataverse,
          mirror,
          choice: () => choice,
          resolution: await readResolution(dataverse, choice, signal),
          createJob: (table) => new TableJob(table, { dataverse, mirror, leases, logger: silent }),
          leases,
          places: new Places(4),
          logger: silent,
          lookEvery: 200,
        },
        signal,
      );
    } finally {
      await pool.end();
      await dataverse.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended;
  }
}

it('a table joins although no answer announced a change to the daemon', async () => {
  await using bench = await SyncBench.open();
  await using daemon = new Daemon();
  daemon.start(bench);
  const { store, requests } = bench.emulator;
  await eventually(() => requests.count({ kind: 'metadata' }) > 1);
  store.addTable(smallTable('new_Car'));
  store.seed('new_car', 5);
  const equal = async (table: string): Promise<boolean> => isMirrored(store, bench.database, [table]);
  await eventually(async () => equal('new_car'));

  store.addTable(smallTable('new_Cab'));
  store.removeTable('new_car');
  const failed = `SELECT "table", error_code AS code FROM mirrorverse.tables WHERE error_code = 'table-removed'`;
  await eventually(async () => (await bench.database.query(failed)).length === 1);
  expect(await bench.database.query(failed)).toEqual([{ table: 'new_car', code: 'table-removed' }]);
  await eventually(async () => equal('new_cab'));

  store.addTable(smallTable('new_Car'));
  store.seed('new_car', 2);
  await eventually(async () => equal('new_car'));
  await eventually(async () => (await bench.database.query(failed)).length === 0);
});
