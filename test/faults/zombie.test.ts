import { expect, it } from 'vitest';
import { isError, logLines, type Ended } from '../support/command-line.ts';
import type { Failpoint } from '../support/failpoint.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { differences } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const LEASE = { MIRRORVERSE_PAGE_SIZE: '20', MIRRORVERSE_LEASE: '2s' };

function start(bench: SyncBench, failpoint: Failpoint): FailpointProcess {
  return FailpointProcess.start(['sync'], mirrorEnvironment(bench, ['account'], LEASE), failpoint);
}

async function ended(bench: SyncBench): Promise<Ended> {
  await using run = start(bench, { kind: 'list' });
  return await run.end();
}

/** Leases that were not given back, and failures that were left behind. */
const HELD = 'SELECT FROM mirrorverse.tables WHERE lease_holder IS NOT NULL OR error_code IS NOT NULL';
const CHECKPOINT = '^update .*set "phase"';

it.each<[string, Failpoint]>([
  ['just before its commit', { kind: 'after', text: CHECKPOINT, nth: 2 }],
  ['between two pages', { kind: 'before', text: '^BEGIN\\b', nth: 9 }],
  ['inside a COPY', { kind: 'copy', nth: 2 }],
])('a process that is stopped %s loses its table, and spoils nothing once it goes on', async (_, point) => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  const ids = store.seed('account', 100);
  expect((await ended(bench)).status).toBe(0);
  await watchVersions(bench.database, 'account', 'accountid');
  for (const id of ids.slice(0, 90)) store.update('account', id, { name: 'first change' });

  await using stopped = start(bench, point);
  expect(await stopped.standing()).toBe(true);
  stopped.child.kill('SIGSTOP');
  stopped.goOn();
  for (const id of ids.slice(0, 40)) store.update('account', id, { name: 'second change' });
  for (const id of ids.slice(40, 50)) store.remove('account', id);
  const successor = await ended(bench);
  expect(logLines(successor.stderr).filter(isError)).toEqual([]);
  expect(successor.status).toBe(0);
  expect(await differences(store, bench.database, 'account')).toEqual([]);

  stopped.child.kill('SIGCONT');
  const { stderr } = await stopped.end();
  // It begins anew and finds nothing to do, or ends; either way nothing of its own is left.
  expect(await differences(store, bench.database, 'account')).toEqual([]);
  expect(await versionsThatWentDown(bench.database)).toEqual([]);
  expect(await bench.database.query(HELD)).toEqual([]);
  expect(logLines(stderr).filter(({ code }) => code !== undefined)).toMatchObject([{ level: 'warn' }]);
});
