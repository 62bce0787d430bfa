import { describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import { isWarning, logLines } from '../support/command-line.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { leaseEvents, trespasses, watchLeases } from '../support/lease-journal.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions, type SyncSession } from '../support/sync.ts';

const TABLES = ['account'];
/** With a name of its own in the database. */
const process = (bench: SyncBench, name: string): SyncOptions => ({
  holder: name,
  databaseUrl: `${bench.database.url}?application_name=${name}`,
});

/** A process whose next run follows the table's link without the lease. Its journal begins with that run. */
async function resting(bench: SyncBench, options: SyncOptions = {}): Promise<SyncSession> {
  const session = await bench.session(TABLES, options);
  expect(failures(await session.sync())).toEqual({});
  expect(failures(await session.sync())).toEqual({});
  await watchLeases(bench.database);
  bench.emulator.requests.clear();
  return session;
}

async function isEqual(bench: SyncBench): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  expect(await trespasses(bench.database)).toEqual([]);
}

interface State {
  readonly link: string;
  readonly fence: string;
  readonly code: string | null;
  readonly issued: Date;
  readonly success: Date;
}

async function stateOf(bench: SyncBench): Promise<State> {
  const [state] = await bench.database.query<State>(
    `SELECT link, fence::text, error_code AS code, link_issued_at AS issued, last_success_at AS success
       FROM mirrorverse.tables`,
  );
  if (state === undefined) throw new Error('no state');
  return state;
}

/** Does something once while the answer to the next poll, which is made up by then, is held back. */
function whilePolled(bench: SyncBench, work: () => Promise<void>): void {
  const { settings } = bench.emulator;
  settings.onPage = async () => {
    settings.onPage = null;
    await work();
  };
}

describe('a run of a table that no other process runs', () => {
  it('an idle run asks once and takes no lease, and its link is as fresh as after any other run', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 5);
    await using session = await resting(bench);
    const before = await stateOf(bench);
    for (let run = 0; run < 3; run++) {
      const [result] = await session.sync();
      expect(result).toMatchObject({ phase: 'delta', pages: 1, rowsRead: 0, changed: false, failure: null });
    }
    expect(await leaseEvents(bench.database)).toEqual({ idle: 3 });
    expect(bench.dataRequests()).toBe(3);
    expect(bench.emulator.requests.count({})).toBe(3);
    const after = await stateOf(bench);
    expect(Number(after.fence)).toBe(Number(before.fence) + 3);
    expect(after.issued.getTime()).toBeGreaterThan(before.issued.getTime());
    expect(after.success.getTime()).toBeGreaterThan(before.success.getTime());
    await isEqual(bench);
  });

  it('a run that finds changes stores them under the lease without asking for them again, and the next run rests again', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [removed = '', changed = ''] = store.seed('account', 5);
    await using session = await resting(bench);
    store.remove('account', removed);
    store.update('account', changed, { name: 'changed' });
    expect(await session.sync()).toMatchObject([{ pages: 1, rowsRead: 2, changed: true, failure: null }]);
    expect(bench.emulator.requests.count({})).toBe(1);
    expect(await leaseEvents(bench.database)).toMatchObject({ taken: 1, link: 1 });
    await session.sync();
    expect(await leaseEvents(bench.database)).toMatchObject({ taken: 1, idle: 1 });
    await isEqual(bench);
  });

  it('a run follows changes of many pages without asking for the first page twice', async () => {
    await using bench = await SyncBench.open();
    const { store, requests } = bench.emulator;
    await using session = await resting(bench, { pageSize: 10 });
    store.seed('account', 35);
    expect(failures(await session.sync())).toEqual({});
    expect([requests.count({ kind: 'delta' }), requests.count({ kind: 'next' })]).toEqual([1, 3]);
    await isEqual(bench);
  });

  it('a run re-baselines the table where its link has expired, and follows that link once', async () => {
    await using bench = await SyncBench.open();
    const { store, settings, requests } = bench.emulator;
    const [removed = ''] = store.seed('account', 5);
    await using session = await resting(bench);
    store.remove('account', removed);
    settings.expireTokens();
    expect(failures(await session.sync())).toEqual({});
    expect(requests.count({ kind: 'delta', status: 400 })).toBe(1);
    expect(requests.count({ kind: 'baseline' })).toBe(1);
    await isEqual(bench);
  });

  it('a run re-baselines the table where the environment has gone back in time', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    settings.tokenAhead = 'empty';
    const [removed = ''] = store.seed('account', 5);
    const backup = store.snapshot();
    store.remove('account', removed);
    store.seed('account', 5);
    await using session = await resting(bench);
    store.resetTo(backup);
    expect(failures(await session.sync())).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
    await isEqual(bench);
  });

  it('a run loads the table again when it was truncated since, or while the answer was under way', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 5);
    await using session = await resting(bench);
    const truncate = async (): Promise<void> => {
      await bench.database.query('TRUNCATE dataverse.account');
    };
    await truncate();
    expect(failures(await session.sync())).toEqual({});
    await isEqual(bench);
    for (let run = 0; run < 4; run++) await session.sync();
    whilePolled(bench, truncate);
    expect(failures(await session.sync())).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(2);
    await isEqual(bench);
  });

  it('a run takes the lease while the table has rows in quarantine', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    const [id = ''] = store.seed('account', 5);
    await using session = await resting(bench);
    const fault = faults.add({
      match: { kind: 'delta' },
      do: { transformText: (text) => text.replace('"name":"refused"', String.raw`"name":"\u0000"`) },
    });
    store.update('account', id, { name: 'refused' });
    for (let run = 0; run < 2; run++) expect(await session.sync()).toMatchObject([{ quarantined: 1 }]);
    expect(await leaseEvents(bench.database)).not.toHaveProperty('idle');
    fault.remove();
    store.update('account', id, { name: 'accepted' });
    for (let run = 0; run < 2; run++) expect(await session.sync()).toMatchObject([{ quarantined: 0 }]);
    expect(await leaseEvents(bench.database)).toMatchObject({ idle: 1 });
    await isEqual(bench);
  });

  it('a run takes the lease once an answer has announced other metadata', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 5);
    await using session = await resting(bench);
    store.addColumn('account', column('String', 'new_Shade', ['Shade', 'Shade'], { maxLength: 50 }));
    // An answer without rows tells of it.
    expect(failures(await session.sync())).toEqual({});
    expect(await leaseEvents(bench.database)).toEqual({ idle: 1 });
    // No row has changed: nothing else would have the run look.
    expect(failures(await session.sync())).toEqual({});
    const shades = await bench.database.query('SELECT new_shade FROM dataverse.account');
    expect(shades).toHaveLength(5);
    await isEqual(bench);
  });

  it('the rows of an answer that announces other metadata are read again in their new shape', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [id = ''] = store.seed('account', 5);
    await using session = await resting(bench);
    store.addColumn('account', column('String', 'new_Shade', ['Shade', 'Shade'], { maxLength: 50 }));
    store.removeColumn('account', 'telephone1');
    store.update('account', id, { new_shade: 'blue' });
    expect(failures(await session.sync())).toEqual({});
    const blue = await bench.database.query(`SELECT FROM dataverse.account WHERE new_shade = 'blue'`);
    expect(blue).toHaveLength(1);
    await isEqual(bench);
  });

  it('an idle run that fails is recorded like any other failure, and the next run goes on from the same link', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    const [id = ''] = store.seed('account', 5);
    await using session = await resting(bench);
    const { link } = await stateOf(bench);
    store.update('account', id, { name: 'changed' });
    settings.deniedTables.add('account');
    expect(failures(await session.sync())).toEqual({ account: 'privilege-missing' });
    expect(bench.emulator.requests.count({ kind: 'delta' })).toBe(1);
    expect(await stateOf(bench)).toMatchObject({ link, code: 'privilege-missing' });
    settings.deniedTables.clear();
    expect(failures(await session.sync())).toEqual({});
    expect(await stateOf(bench)).toMatchObject({ code: null });
    await isEqual(bench);
  });
});

describe('a table that two processes run', () => {
  it('an idle answer that comes late stores nothing over what another process has stored meanwhile', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [id = ''] = store.seed('account', 5);
    await using first = await resting(bench, process(bench, 'first'));
    await using second = await bench.session(TABLES, process(bench, 'second'));
    let stored: State | undefined;
    whilePolled(bench, async () => {
      store.update('account', id, { name: 'changed' });
      expect(failures(await second.sync())).toEqual({});
      stored = await stateOf(bench);
      // What it brings is not brought again: a link that stood further back would show.
      await bench.database.query(`UPDATE dataverse.account SET name = 'by hand' WHERE accountid = $1`, [id]);
    });
    expect(await first.sync()).toMatchObject([{ rowsRead: 0, changed: true, failure: null }]);
    expect(stored).toBeDefined();
    expect(await bench.database.query(`SELECT FROM dataverse.account WHERE name = 'by hand'`)).toHaveLength(
      1,
    );
    expect(await trespasses(bench.database)).toEqual([]);
  });

  it('the first run of a second process makes one request in vain, and later runs make none while both go on', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 5);
    await using first = await resting(bench, process(bench, 'first'));
    await using second = await bench.session(TABLES, process(bench, 'second'));
    // Before the first run of the second there is nothing to be seen of it.
    for (let round = 0; round < 4; round++) {
      await second.sync();
      await first.sync();
    }
    expect(bench.dataRequests()).toBeLessThanOrEqual(4 + 4 + 1);
    // The first run of the second found the table as the first had left it.
    expect(await leaseEvents(bench.database)).toMatchObject({ idle: 1 });
    // Alone again, it is sure of it after a few runs.
    for (let run = 0; run < 5; run++) await first.sync();
    expect(await leaseEvents(bench.database)).toMatchObject({ idle: 3 });
    await isEqual(bench);
  });
});

it('a process that is stopped before it stores an idle run stores nothing of it once it goes on', async () => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  const [id = ''] = store.seed('account', 5);
  await bench.sync(TABLES);
  await watchLeases(bench.database);
  const settings = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_LEASE: '2s' };
  await using stopped = FailpointProcess.start(['run'], mirrorEnvironment(bench, TABLES, settings), {
    kind: 'before',
    text: String.raw`^update .*ctid`,
    nth: 1,
  });
  expect(await stopped.standing()).toBe(true);
  stopped.child.kill('SIGSTOP');
  stopped.goOn();
  store.update('account', id, { name: 'changed' });
  await using successor = await bench.session(TABLES, process(bench, 'successor'));
  // No lease is in its way.
  expect(failures(await successor.sync())).toEqual({});
  await isEqual(bench);
  const { fence } = await stateOf(bench);
  stopped.child.kill('SIGCONT');
  await expect
    .poll(async () => Number((await stateOf(bench)).fence), { timeout: 20_000 })
    .toBeGreaterThan(Number(fence));
  const { status, stderr } = await stopped.stop('SIGTERM');
  expect(status).toBe(0);
  expect(logLines(stderr).filter(isWarning)).toEqual([]);
  await isEqual(bench);
});
