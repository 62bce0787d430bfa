import { assert, integer, property, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { registerTables, takeLease } from '../../src/mirror/lease/leases.ts';
import type { StateStore } from '../../src/mirror/state/store.ts';
import { Replicas } from '../../src/sync/schedule/replicas.ts';
import { testMirror } from '../support/mirror.ts';

/** What names the environment is all that a group needs of the store. */
const STORE = { environmentId: 1 } as StateStore;

function daemon(name: string, tables: readonly string[], store: StateStore = STORE): Replicas {
  const replicas = new Replicas(name, store);
  for (const table of tables) replicas.add(table);
  return replicas;
}

describe('the daemons that mirror the same tables', () => {
  it('each table is exactly one daemon’s turn, and no daemon has more than one table more than another', () => {
    const names = uniqueArray(string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 40 });
    assert(
      property(names, integer({ min: 1, max: 5 }), (tables, count) => {
        const processes = Array.from({ length: count }, (_, at) => `host/${at}`);
        // Whatever order they know the tables in, all of them see the same turns.
        const daemons = processes.map((name, at) =>
          daemon(name, at % 2 === 0 ? tables : tables.toReversed()),
        );
        for (const one of daemons) one.observe(processes);
        const turns = tables.map((table) => daemons.filter((one) => !one.isOthersTurn(table)));
        expect(turns.every((having) => having.length === 1)).toBe(true);
        const perDaemon = daemons.map((one) => turns.filter(([having]) => having === one).length);
        expect(Math.max(...perDaemon) - Math.min(...perDaemon)).toBeLessThanOrEqual(1);
        expect(new Set(daemons.map((one) => one.group())).size).toBe(1);
      }),
    );
  });

  it('daemons with other tables are another group, and a process without a schedule has none', () => {
    const one = daemon('a', ['account', 'contact']);
    const group = one.group();
    expect(daemon('b', ['account']).group()).not.toBe(group);
    one.remove('contact');
    expect(daemon('b', ['account']).group()).toBe(one.group());
    expect(daemon('command', []).group()).toBeNull();
  });

  it('a daemon that is alone, or that the others do not know yet, has the turn of every table', () => {
    const one = daemon('a', ['account', 'contact']);
    for (const living of [[], ['a'], ['b', 'c']]) {
      one.observe(living);
      expect(['account', 'contact'].filter((table) => one.isOthersTurn(table))).toEqual([]);
    }
  });

  it('a table that the daemon of its turn has polled since is left alone; one that waits for a new baseline is not', async () => {
    await using test = await testMirror();
    const { store } = test.mirror;
    await registerTables(store, ['account', 'contact']);
    const [one, other] = ['a', 'b'].map((name) => daemon(name, ['account', 'contact'], store));
    for (const each of [one, other]) each?.observe(['a', 'b']);
    const since = performance.now();
    const haveRun = async (): Promise<(boolean | undefined)[]> =>
      Promise.all([one?.haveRun('account', since), other?.haveRun('account', since)]);
    expect(await haveRun()).toEqual([false, false]);
    await takeLease(store, 'account', 'a', 30_000);
    await test.database.query(`UPDATE mirrorverse.tables SET last_success_at = clock_timestamp()`);
    // It is the first daemon's turn, so nobody has polled the table for it.
    expect(await haveRun()).toEqual([false, true]);
    expect(await other?.haveRun('account', performance.now() + 60_000)).toBe(false);
    await test.database.query(`SELECT mirrorverse.resync('account')`);
    expect(await haveRun()).toEqual([false, false]);
  });
});
