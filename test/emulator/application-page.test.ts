import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../support/command-line.ts';
import { freshRole } from '../support/database.ts';
import { blocksOf } from '../support/page-blocks.ts';
import { failures, SyncBench } from '../support/sync.ts';

const FEED = { feed: 'marker' } as const;

/** The page's program, started with the database that it is to follow. */
interface Example extends AsyncDisposable {
  start(url: string): void;
  /** Ends the program in the midst of whatever it does. */
  kill(): Promise<void>;
}

async function example(program: string): Promise<Example> {
  const directory = await mkdtemp(join(tmpdir(), 'mirrorverse-example-'));
  await writeFile(join(directory, 'follow.mjs'), program);
  await symlink(join(import.meta.dirname, '..', '..', 'node_modules'), join(directory, 'node_modules'));
  let running: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  };
  return {
    start(url) {
      running = spawn(process.execPath, ['follow.mjs'], {
        cwd: directory,
        env: { ...process.env, DATABASE_URL: url },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(directory, { recursive: true });
    },
  };
}

it('docs/applications.md has SQL that runs, and a program that follows the mirror, also after it was killed', async () => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  const { database } = bench;
  const [first = '', second = ''] = store.seed('account', 20);
  expect(failures(await bench.sync(['account'], FEED))).toEqual({});

  await using role = await freshRole(database);
  const [current] = await database.query<{ name: string }>('SELECT current_database() AS name');
  await database.query(`GRANT CONNECT ON DATABASE "${current?.name}" TO ${role.name}`);
  const [readPoint = '', waiting = '', grants = '', ...more] = blocksOf('applications.md', 'sql');
  expect(more).toEqual([]);
  expect(await database.query(readPoint)).toHaveLength(1);
  // The version on the page is of another environment.
  await database.query(waiting.replace('10 seconds', '0 seconds'));
  await database.query(grants.replaceAll(/(AUTHORIZATION|TO) app\b/g, `$1 ${role.name}`));

  // Only a notification wakes this one.
  const [program = ''] = blocksOf('applications.md', 'js');
  await using follower = await example(program.replace('5_000', '600_000'));
  const differing = `SELECT accountid, name FROM dataverse.account EXCEPT SELECT * FROM app.account_names
                      UNION ALL (SELECT * FROM app.account_names EXCEPT SELECT accountid, name FROM dataverse.account)`;
  const followed = async (): Promise<void> =>
    eventually(async () => {
      if ((await database.query(differing)).length === 0) return true;
      // Other tests have open transactions on the same server, so the change may not have been readable yet.
      await database.query('NOTIFY mirrorverse_changes');
      return false;
    });

  follower.start(role.url);
  await followed();
  expect(await database.query('SELECT FROM app.account_names')).toHaveLength(20);

  store.update('account', first, { name: 'Renamed' });
  store.remove('account', second);
  expect(failures(await bench.sync(['account'], FEED))).toEqual({});
  await followed();

  await follower.kill();
  store.update('account', first, { name: 'Renamed again' });
  store.insert('account', { name: 'New' });
  expect(failures(await bench.sync(['account'], FEED))).toEqual({});
  expect(await database.query(differing)).not.toEqual([]);
  follower.start(role.url);
  await followed();
  expect(await database.query('SELECT FROM app.account_names')).toHaveLength(20);
});
