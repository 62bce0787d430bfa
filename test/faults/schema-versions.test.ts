import { describe, expect, it } from 'vitest';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { findState } from '../../src/mirror/state/environments.ts';
import { failedFinding, runCheck } from '../support/check-document.ts';
import { CommandLine, loggedCodes } from '../support/command-line.ts';
import { goBackTo, MIGRATION_COUNT, stateOf } from '../support/earlier-state.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { mirrorOptions, silent } from '../support/mirror.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const TABLES = ['account', 'contact'];
const EARLIER = Array.from({ length: MIGRATION_COUNT - 1 }, (_, at) => at + 1);

/** A mirror with its links, in the database of a version that had so many migrations. */
async function mirroredByEarlier(migrations: number): Promise<SyncBench> {
  const bench = await SyncBench.open();
  for (const table of TABLES) bench.emulator.store.seed(table, 30);
  expect(failures(await bench.sync(TABLES))).toEqual({});
  await goBackTo(bench.database, migrations);
  const { store } = bench.emulator;
  const [first, second] = [...store.rows('account')];
  store.update('account', first?.id ?? '', { name: 'changed' });
  store.remove('account', second?.id ?? '');
  store.insert('contact', { firstname: 'new' });
  return bench;
}

/** @param cli runs the pass; without it, it happens in this process. @returns what went wrong. */
async function troubleOfPass(bench: SyncBench, cli: CommandLine | undefined): Promise<readonly unknown[]> {
  if (cli === undefined) return Object.values(failures(await bench.sync(TABLES)));
  const { status, stderr } = await cli.run(['sync']);
  return status === 0 ? loggedCodes(stderr) : [status, ...loggedCodes(stderr)];
}

/** @param cli runs the pass; without it, it happens in this process. */
async function expectDeltasGoOn(bench: SyncBench, cli?: CommandLine): Promise<void> {
  const { emulator, database } = bench;
  const before = emulator.requests.count({ kind: 'baseline' });
  expect(await troubleOfPass(bench, cli)).toEqual([]);
  expect(emulator.requests.count({ kind: 'baseline' })).toBe(before);
  expect(await allDifferences(emulator.store, database, TABLES)).toEqual([]);
}

describe('a state schema of a later version', () => {
  it('a state schema of a later version is left alone by every command, with an exit status of its own', async () => {
    await using bench = await SyncBench.open();
    const { database, emulator } = bench;
    emulator.store.seed('account', 3);
    expect(failures(await bench.sync(['account']))).toEqual({});
    await using cli = await CommandLine.open(mirrorEnvironment(bench, ['account']));
    await database.query(
      `INSERT INTO mirrorverse.migrations (hash, created_at) VALUES ('of a later version', 9999999999999)`,
    );
    emulator.store.seed('account', 3);
    const state = await stateOf(database);
    const commands = ['run', 'sync', 'backfill', 'migrate', 'status', 'plan', 'plan --apply'];
    await Promise.all(
      [...commands, 'quarantine', 'quarantine retry'].map(async (command) => {
        const { status, stdout, stderr } = await cli.run(command.split(' '));
        expect({ command, status, stdout, codes: loggedCodes(stderr) }).toEqual({
          command,
          status: 3,
          stdout: '',
          codes: ['state-newer'],
        });
      }),
    );
    expect(failedFinding(await runCheck(cli), 'postgres.state').code).toBe('state-newer');
    expect(await stateOf(database)).toEqual(state);
    expect(await database.query('SELECT count(*)::int AS rows FROM dataverse.account')).toEqual([
      { rows: 3 },
    ]);
  }, 120_000);
});

describe('a state schema of an earlier version', () => {
  it.each(EARLIER)(
    'a state schema with %i migrations is brought up to date, and its tables go on from their links',
    async (n) => {
      await using bench = await mirroredByEarlier(n);
      const database = openMirrorDatabase(mirrorOptions(bench.database.url), silent);
      try {
        await expect(findState(database)).rejects.toMatchObject({ code: 'state-older' });
      } finally {
        await database.close();
      }
      await expectDeltasGoOn(bench);
    },
  );

  it('a state schema of an earlier version is named by status, and brought up to date by sync', async () => {
    await using bench = await mirroredByEarlier(1);
    await using cli = await CommandLine.open(mirrorEnvironment(bench, TABLES));
    const looked = await cli.run(['status']);
    expect({ status: looked.status, codes: loggedCodes(looked.stderr) }).toEqual({
      status: 1,
      codes: ['state-older'],
    });
    await expectDeltasGoOn(bench, cli);
  });

  it('a state schema is brought up to date where the second migration was applied with a column of the third', async () => {
    await using bench = await mirroredByEarlier(2);
    await bench.database.query('ALTER TABLE mirrorverse.tables ADD COLUMN metadata_id text');
    await bench.database.query(
      'UPDATE mirrorverse.migrations SET created_at = 1795242546192 WHERE created_at = 1795240256882',
    );
    await using cli = await CommandLine.open(mirrorEnvironment(bench, TABLES));
    await expectDeltasGoOn(bench, cli);
  });

  it('a state schema is as it was after a migration that was killed, and can be migrated again', async () => {
    await using bench = await mirroredByEarlier(1);
    const environment = mirrorEnvironment(bench, TABLES);
    const state = await stateOf(bench.database);
    // In the first migration, between two, in the last, and before the commit.
    for (const point of [
      { text: 'ADD COLUMN', nth: 2 },
      { text: 'ADD COLUMN', nth: 5 },
      { text: '^INSERT INTO .*migrations', nth: MIGRATION_COUNT - 1 },
      { text: '^COMMIT$', nth: 1 },
    ]) {
      await using migration = FailpointProcess.start(['migrate'], environment, { kind: 'before', ...point });
      expect(await migration.standing()).toBe(true);
      await migration.kill();
      expect(await stateOf(bench.database)).toEqual(state);
    }
    await using cli = await CommandLine.open(environment);
    await expectDeltasGoOn(bench, cli);
  });
});
