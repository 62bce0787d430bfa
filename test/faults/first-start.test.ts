import { expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror, type MirrorOptions } from '../../src/mirror/mirror.ts';
import { takeLease } from '../../src/mirror/lease/leases.ts';
import { eventually, isWarning, logLines } from '../support/command-line.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { MIGRATION_COUNT } from '../support/earlier-state.ts';
import { ORGANIZATION, silent } from '../support/mirror.ts';
import { allDifferences, isMirrored } from '../support/oracle.ts';

const FIVE = [1, 2, 3, 4, 5];
const TABLES = ['account', 'contact'];

async function expectMigratedOnce(database: TestDatabase, stateSchema: string): Promise<void> {
  const [applied] = await database.query(
    `SELECT count(*)::int AS all, count(DISTINCT hash)::int AS distinct FROM "${stateSchema}".migrations`,
  );
  expect(applied).toEqual({ all: MIGRATION_COUNT, distinct: MIGRATION_COUNT });
}

it('five mirrors that open at once on an empty database make one state schema, and each table has one owner', async () => {
  // The schemas are to be made by whoever comes first.
  await using database = await freshDatabase('administrator');
  for (let repetition = 0; repetition < 30; repetition++) {
    const options: MirrorOptions = {
      url: database.url,
      schema: `mirror_${repetition}`,
      stateSchema: `state_${repetition}`,
      connections: 3,
      leaseDuration: 30_000,
    };
    const opened = FIVE.map(() => openMirrorDatabase(options, silent));
    const environment = { url: 'https://org', organizationId: ORGANIZATION };
    const mirrors = await Promise.all(
      opened.map(async (one) => openMirror(one, options, environment, TABLES)),
    );
    expect(new Set(mirrors.map((mirror) => mirror.environment.id)).size).toBe(1);
    await expectMigratedOnce(database, options.stateSchema);
    const taken = await Promise.all(
      mirrors.map(async ({ store }, at) => takeLease(store, 'account', `process ${at}`, 30_000)),
    );
    expect(taken.filter((lease) => lease !== null)).toHaveLength(1);
    await Promise.all(opened.map(async (one) => one.close()));
    await database.query(`DROP SCHEMA "${options.stateSchema}" CASCADE`);
  }
}, 120_000);

it.each([1, 2])('five processes that start together on an empty database share the work (%i)', async () => {
  await using bench = await openBench(TABLES, { MIRRORVERSE_PAGE_SIZE: '100' });
  const { cli, database, emulator } = bench;
  for (const table of TABLES) emulator.store.seed(table, 300);
  const ended = await Promise.all(FIVE.map(async () => cli.run(['sync'])));
  const errors = ended.flatMap(({ stderr }) => logLines(stderr)).filter(isWarning);
  expect(errors).toEqual([]);
  expect(ended.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
  await expectMigratedOnce(database, 'mirrorverse');
  expect(await allDifferences(emulator.store, database, TABLES)).toEqual([]);
  // One process loads a table; the others find it loaded.
  expect(emulator.requests.count({ kind: 'baseline' })).toBe(TABLES.length);
});

it('a daemon takes over the tables of another daemon that is killed, within the lease', async () => {
  const fast = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_LEASE: '3s', MIRRORVERSE_PAGE_SIZE: '20' };
  await using bench = await openBench(TABLES, fast);
  const { cli, database, emulator } = bench;
  const ids = emulator.store.seed('account', 40);
  const equal = async (): Promise<boolean> => isMirrored(emulator.store, database, TABLES);
  const [first, second] = [cli.start(['run']), cli.start(['run'])];
  await eventually(equal);
  // A long delta, so that it dies with the lease.
  for (const id of ids) emulator.store.update('account', id, { name: 'changed' });
  const slow = emulator.faults.add({ match: { kind: ['delta', 'next'] }, do: { delayMs: 700 } });
  const owner = `SELECT lease_holder AS holder FROM mirrorverse.tables WHERE "table" = 'account' AND lease_holder IS NOT NULL`;
  let holder = '';
  await eventually(async () => {
    const [row] = await database.query<{ holder: string }>(owner);
    holder = row?.holder ?? '';
    return holder !== '';
  });
  const victim = holder.includes(`/${first.child.pid}/`) ? first : second;
  victim.child.kill('SIGKILL');
  slow.remove();
  for (const id of ids.slice(0, 5)) emulator.store.update('account', id, { name: 'changed again' });
  await eventually(equal, 10_000);
  const survivor = victim === first ? second : first;
  expect((await survivor.stop('SIGTERM')).status).toBe(0);
});
