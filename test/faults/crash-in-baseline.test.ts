import { expect, it } from 'vitest';
import type { Failpoint } from '../support/failpoint.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { differences } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const SETTINGS = { MIRRORVERSE_PAGE_SIZE: '20', MIRRORVERSE_LEASE: '1s' };
const CHECKPOINT = '^update .*set "phase"';
const PHASE = 'SELECT phase FROM mirrorverse.tables';

function start(bench: SyncBench, failpoint: Failpoint, args = ['sync']): FailpointProcess {
  return FailpointProcess.start(args, mirrorEnvironment(bench, ['account'], SETTINGS), failpoint);
}

async function killedAt(bench: SyncBench, failpoint: Failpoint, args?: string[]): Promise<void> {
  await using run = start(bench, failpoint, args);
  expect(await run.standing()).toBe(true);
  await run.kill();
}

async function finish(bench: SyncBench): Promise<void> {
  await using run = start(bench, { kind: 'list' });
  const { status, stderr } = await run.end();
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  expect(await bench.database.query(PHASE)).toEqual([{ phase: 'delta' }]);
  expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
}

/** Changes and deletes one row of each page, and adds one. */
function write(bench: SyncBench, ids: readonly string[], round: number): void {
  const { store } = bench.emulator;
  for (const [at, id] of ids.entries()) {
    if (at % 20 === 2 * round) store.update('account', id, { name: `changed in round ${round}` });
    if (at % 20 === 2 * round + 1) store.remove('account', id);
  }
  store.insert('account', { name: 'new' });
}

it('a baseline that is killed again and again goes on where it stood, while rows of all its pages change', async () => {
  await using bench = await SyncBench.open();
  const ids = bench.emulator.store.seed('account', 200);
  // The first checkpoint of a new table is that of its making.
  await killedAt(bench, { kind: 'after', text: CHECKPOINT, nth: 4 });
  await watchVersions(bench.database, 'account', 'accountid');
  for (const [round, nth] of [3, 1, 4].entries()) {
    expect(await bench.database.query(PHASE)).toEqual([{ phase: 'baseline' }]);
    write(bench, ids, round);
    await killedAt(bench, { kind: 'before', text: CHECKPOINT, nth });
  }
  expect(await bench.database.query(PHASE)).toEqual([{ phase: 'baseline' }]);
  await finish(bench);
  expect(await versionsThatWentDown(bench.database)).toEqual([]);
  expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
});

it('a re-baseline that is killed on its way and before its sweep keeps its rows readable, and sweeps in the end', async () => {
  await using bench = await SyncBench.open();
  const { store, settings } = bench.emulator;
  const ids = store.seed('account', 100);
  await finish(bench);
  await watchVersions(bench.database, 'account', 'accountid');
  for (const id of ids.slice(0, 10)) store.remove('account', id);
  settings.expireTokens();
  const points: Failpoint[] = [
    { kind: 'before', text: CHECKPOINT, nth: 3 },
    { kind: 'after', text: '^ANALYZE', nth: 1 },
    { kind: 'before', text: '^DROP TABLE .*seen_', nth: 1 },
  ];
  for (const [round, point] of points.entries()) {
    await killedAt(bench, point);
    expect(await bench.database.query(PHASE)).toEqual([{ phase: 'rebaseline' }]);
    // Readers have every row that was there, those that are gone at the source included.
    const [count] = await bench.database.query<{ rows: number }>(
      'SELECT count(*)::int AS rows FROM dataverse.account',
    );
    expect(count?.rows).toBeGreaterThanOrEqual(100);
    for (const id of ids.slice(20 + 10 * round, 25 + 10 * round))
      store.update('account', id, { name: 'changed' });
  }
  await finish(bench);
  expect(await versionsThatWentDown(bench.database)).toEqual([]);
});
