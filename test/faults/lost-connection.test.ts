import { expect, it } from 'vitest';
import { Random } from '../../src/emulator/seeding/random.ts';
import { seedOf } from '../support/driver/seeds.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';

const TABLE = 'account';
const PAGES = 8;

it('sessions that are ended at any moment cost a pause, with another daemon waiting for the lease', async () => {
  await using bench = await SyncBench.open();
  const { emulator, database } = bench;
  const ids = emulator.store.seed(TABLE, 10);
  expect(failures(await bench.sync([TABLE]))).toEqual({});
  await watchVersions(database, TABLE, `${TABLE}id`);
  emulator.store.seed(TABLE, 100 * PAGES);
  emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 20 } });
  const seed = seedOf(process.env);
  console.log(`SEED=${seed}`);
  const random = new Random(seed);

  const options = { pageSize: 100, leaseDuration: 5_000 };
  const onPage = (): void => {
    if (!random.chance(0.3)) return;
    setTimeout(
      () => {
        // The page's, the lease's, and those that are idle in the pool.
        database
          .query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND application_name = 'mirrorverse'`,
          )
          .catch(() => undefined);
      },
      random.integer(0, 30),
    );
  };
  await using first = await bench.session([TABLE], { ...options, holder: 'first' });
  await using second = await bench.session([TABLE], { ...options, holder: 'second' });
  const results = await Promise.all([first.sync({ restart: true, onPage }), second.sync({ onPage })]);
  expect(results.map(failures)).toEqual([{}, {}]);
  expect(await allDifferences(emulator.store, database, [TABLE])).toEqual([]);

  emulator.store.update(TABLE, ids[0] ?? '', { name: 'changed since' });
  expect(failures(await second.sync())).toEqual({});
  expect(await allDifferences(emulator.store, database, [TABLE])).toEqual([]);
  expect(await versionsThatWentDown(database)).toEqual([]);
});
