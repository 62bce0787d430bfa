import { describe, expect, it } from 'vitest';
import { CommandLine } from '../support/command-line.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { SyncBench } from '../support/sync.ts';

interface Counters {
  readonly requests: number;
  readonly idle: number;
  readonly changes: number;
  readonly since: Date | null;
}

async function counters(bench: SyncBench, table = 'account'): Promise<Counters> {
  const [found] = await bench.database.query<Counters>(
    `SELECT requests::int, idle_requests::int AS idle, changes::int, counted_since AS since
       FROM mirrorverse.tables WHERE "table" = $1`,
    [table],
  );
  if (found === undefined) throw new Error(`no state of ${table}`);
  return found;
}

/** Requests of the emulator's journal that are about a table, those for its definition among them. */
function journaled(bench: SyncBench, table = 'account'): number {
  return [...bench.emulator.requests].filter(
    (entry) => entry.table === table || decodeURIComponent(entry.path).includes(`LogicalName='${table}'`),
  ).length;
}

describe('the request count of a table', () => {
  it('the request count of a table has every request about it that the environment saw, and the change count every row written or deleted', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [first = '', second = ''] = store.seed('account', 25);
    store.seed('contact', 5);
    await using session = await bench.session(['account', 'contact'], { pageSize: 10 });
    await session.sync();
    expect(await counters(bench)).toMatchObject({ requests: journaled(bench), idle: 0, changes: 25 });
    store.update('account', first, { name: 'changed' });
    store.remove('account', second);
    await session.sync();
    expect(await counters(bench)).toMatchObject({ requests: journaled(bench), idle: 0, changes: 27 });
    expect(await counters(bench, 'contact')).toMatchObject({
      requests: journaled(bench, 'contact'),
      idle: 1,
      changes: 5,
    });
  });

  it('the request count of a table has the attempts that failed, and the rows that were read by themselves', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    const [first = ''] = store.seed('account', 3);
    await using session = await bench.session(['account']);
    await session.sync();
    faults.add({ match: { kind: 'delta' }, times: 2, do: { status: 503 } });
    store.remove('account', first);
    store.restore('account', first);
    await session.sync();
    expect(bench.emulator.requests.count({ kind: 'delta', status: 503 })).toBe(2);
    expect(bench.emulator.requests.count({ kind: 'row' })).toBe(1);
    expect((await counters(bench)).requests).toBe(journaled(bench));
  });

  it('the request count of a table is stored after a run that failed, too', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 3);
    await using session = await bench.session(['account']);
    await session.sync();
    const { since, idle } = await counters(bench);
    bench.emulator.settings.deniedTables.add('account');
    const [result] = await session.sync();
    expect(result?.failure?.code).toBe('privilege-missing');
    expect(await counters(bench)).toEqual({ requests: journaled(bench), idle, changes: 3, since });
  });

  it('the request count of a table has what commands spend under its lease, and what reading its labels takes', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    const [first = ''] = store.seed('account', 3);
    await using cli = await CommandLine.open(mirrorEnvironment(bench, ['account']));
    const counted = async (...args: string[]): Promise<number> => {
      await cli.run(args);
      const { requests } = await counters(bench);
      expect(requests).toBe(journaled(bench));
      return requests;
    };
    const loaded = await counted('sync');
    store.renameTable('account', ['Customer', 'Kunde']);
    const planned = await counted('plan', '--apply');
    faults.add({
      match: { kind: 'delta' },
      do: { transformText: (text) => text.replace('"name":"too large"', '"name":"\\u0000"') },
    });
    store.update('account', first, { name: 'too large' });
    const refused = await counted('sync');
    faults.clear();
    const retried = await counted('quarantine', 'retry');
    expect(bench.emulator.requests.count({ kind: 'row' })).toBe(1);
    for (const [before, after] of [
      [loaded, planned],
      [planned, refused],
      [refused, retried],
    ] as const) {
      expect(after).toBeGreaterThan(before);
    }
  });

  it('a run of several requests that found nothing counts as idle', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 3);
    await bench.sync(['account']);
    const { requests: before } = await counters(bench);
    // The definition is read beside the delta.
    bench.emulator.store.renameTable('account', ['Customer', 'Kunde']);
    await bench.sync(['account']);
    const { requests, idle } = await counters(bench);
    expect(requests - before).toBeGreaterThan(1);
    expect(idle).toBe(requests - before);
  });

  it('a run of a snapshot counts as idle where no row has changed, and not where one has', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [first = ''] = store.seed('account', 25);
    await using session = await bench.session(['account'], { mode: 'snapshot', pageSize: 10 });
    await session.sync();
    expect((await counters(bench)).idle).toBe(0);
    await session.sync();
    expect(await counters(bench)).toMatchObject({ idle: 3, changes: 25, requests: journaled(bench) });
    store.update('account', first, { name: 'changed' });
    await session.sync();
    expect(await counters(bench)).toMatchObject({ idle: 3, changes: 26, requests: journaled(bench) });
  });
});

it('an idle pass stores its request count with the one update that it makes anyway', async () => {
  await using bench = await SyncBench.open();
  bench.emulator.store.seed('account', 3);
  await using session = await bench.session(['account']);
  await session.sync();
  // By then the process knows that nobody else runs the table.
  await session.sync();
  await bench.database.query(`
    CREATE SCHEMA journal;
    CREATE SEQUENCE journal.updates;
    CREATE FUNCTION journal.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      $$ BEGIN PERFORM nextval('journal.updates'); RETURN NULL; END $$;
    CREATE TRIGGER journal_updates AFTER UPDATE ON mirrorverse.tables
      FOR EACH STATEMENT EXECUTE FUNCTION journal.note()`);
  await session.sync();
  const updates = await bench.database.query('SELECT last_value::int AS updates FROM journal.updates');
  expect(updates).toEqual([{ updates: 1 }]);
  expect(await counters(bench)).toMatchObject({ requests: journaled(bench), idle: 2 });
});
