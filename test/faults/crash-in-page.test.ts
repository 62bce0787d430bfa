import { expect, it } from 'vitest';
import { Random } from '../../src/emulator/seeding/random.ts';
import { seedOf } from '../support/driver/seeds.ts';
import type { Failpoint } from '../support/failpoint.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { misplaced, OBSERVER } from '../support/feed-position.ts';
import { differences } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

/** How often a process is killed; `KILLS=100` for more. */
const KILLS = Number(process.env['KILLS'] ?? '6');
const seed = seedOf(process.env);

const SETTINGS = { MIRRORVERSE_PAGE_SIZE: '20', MIRRORVERSE_LEASE: '1s' };

function start(bench: SyncBench, failpoint: Failpoint): FailpointProcess {
  return FailpointProcess.start(['sync'], mirrorEnvironment(bench, ['account'], SETTINGS), failpoint);
}

/** Statements of a whole run. */
async function statementsOf(bench: SyncBench): Promise<number> {
  await using listed = start(bench, { kind: 'list' });
  const { status, stderr } = await listed.end();
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return listed.reached.length;
}

/** Kills a run before one of its statements; says before which. */
async function killBefore(bench: SyncBench, statement: number): Promise<string> {
  await using run = start(bench, { kind: 'statement', number: statement });
  if (!(await run.standing())) return 'the end';
  await run.kill();
  return `statement ${statement}: ${run.reached.join().slice(0, 60)}`;
}

/** Requests that ask once more for a page that was asked for before. */
function repeated(bench: SyncBench): number {
  const kinds: readonly string[] = ['baseline', 'delta', 'next'];
  const urls = [...bench.emulator.requests.entries]
    .filter(({ kind, headers }) => kinds.includes(kind) && headers['user-agent'] !== OBSERVER)
    .map(({ url }) => url);
  return urls.length - new Set(urls).size;
}

/** Changes, deletes and adds rows that the mirror and the source both have. */
async function change(bench: SyncBench, random: Random): Promise<void> {
  const { store } = bench.emulator;
  const mirrored = await bench.database.query<{ id: string }>(
    'SELECT accountid::text AS id FROM dataverse.account ORDER BY 1',
  );
  const there = new Set([...store.rows('account')].map(({ id }) => id));
  for (const { id } of mirrored) {
    if (!there.has(id)) continue;
    const dice = random.integer(0, 19);
    if (dice < 1) store.remove('account', id);
    else if (dice < 6) store.update('account', id, { name: `changed ${random.integer(0, 1_000_000)}` });
  }
  for (let added = 0; added < 15; added++) store.insert('account', { name: 'new' });
}

it(`a run that is killed before any of its statements leaves the mirror as its link says (SEED=${seed})`, async () => {
  const random = new Random(seed);
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  await using other = await SyncBench.open();
  other.emulator.store.seed('account', 200);
  store.seed('account', 200);
  const inBaseline = await statementsOf(other);
  const history: string[] = [];
  const killed = async (statements: number): Promise<void> => {
    history.push(await killBefore(bench, random.integer(0, statements - 1)));
    expect({ history, wrong: await misplaced(store, bench.database, 'account') }).toEqual({
      history,
      wrong: [],
    });
  };
  const loads = Math.ceil(KILLS / 3);
  for (let kill = 0; kill < loads; kill++) await killed(inBaseline);
  const inDelta = await statementsOf(bench);
  expect(await differences(store, bench.database, 'account')).toEqual([]);

  await watchVersions(bench.database, 'account', 'accountid');
  for (let kill = loads; kill < KILLS; kill++) {
    await change(bench, random);
    await killed(Math.min(inDelta, 130));
  }
  await statementsOf(bench);
  expect(await differences(store, bench.database, 'account')).toEqual([]);
  expect(await versionsThatWentDown(bench.database)).toEqual([]);
  // The page that was being stored, and the one read ahead of it.
  expect(repeated(bench)).toBeLessThanOrEqual(2 * KILLS);
}, 600_000);

const CHECKPOINT = '^update .*set "phase"';

it('a run that is killed at any step of a page has stored the pages before it and no more', async () => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  const ids = store.seed('account', 60);
  await statementsOf(bench);
  for (const id of ids.slice(0, 10)) store.remove('account', id);
  for (const id of ids.slice(10, 55)) store.update('account', id, { name: 'changed' });
  const steps: Failpoint[] = [
    { kind: 'before', text: '^COPY', nth: 1 },
    { kind: 'before', text: '^RELEASE SAVEPOINT', nth: 1 },
    { kind: 'before', text: CHECKPOINT, nth: 1 },
    { kind: 'after', text: CHECKPOINT, nth: 1 },
    { kind: 'before', text: '^RELEASE SAVEPOINT', nth: 2 },
  ];
  for (const step of steps) {
    await using run = start(bench, step);
    expect(await run.standing()).toBe(true);
    await run.kill();
    expect(await misplaced(store, bench.database, 'account')).toEqual([]);
  }
  await statementsOf(bench);
  expect(await differences(store, bench.database, 'account')).toEqual([]);
});
