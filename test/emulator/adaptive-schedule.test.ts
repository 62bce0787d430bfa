import { describe, expect, it } from 'vitest';
import { CommandLine, eventually } from '../support/command-line.ts';
import { QUICK_TIME } from '../support/in-quick-time.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { isMirrored } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';

/** When a table's deltas were asked for, in milliseconds. */
function polls(bench: SyncBench, table: string): number[] {
  return bench.emulator.requests.find({ kind: 'delta', table }).map(({ at }) => at);
}

function gaps(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, at) => moment - (moments[at] ?? 0));
}

describe('a daemon on an adaptive schedule', () => {
  it('a daemon on an adaptive schedule polls a table often while it changes, and an idle table ever more rarely', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [id = ''] = store.seed('account', 5);
    store.seed('contact', 5);
    const settings = { MIRRORVERSE_SCHEDULE: 'adaptive', ...QUICK_TIME };
    await using cli = await CommandLine.open(mirrorEnvironment(bench, ['account', 'contact'], settings));
    const daemon = cli.start(['run']);
    let known = 0;
    await eventually(() => {
      const now = polls(bench, 'account').length;
      if (now > known) store.update('account', id, { name: `changed after poll ${now}` });
      known = now;
      return polls(bench, 'contact').length >= 4;
    }, 60_000);
    const changing = gaps(polls(bench, 'account'));
    const idle = gaps(polls(bench, 'contact'));
    expect(changing.length).toBeGreaterThan(idle.length);
    expect(idle).toEqual(idle.toSorted((a, b) => a - b));
    expect(idle.at(-1)).toBeGreaterThan(Math.max(...changing));
    await eventually(async () => isMirrored(store, bench.database, ['account', 'contact']));
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
  });
});

describe('a table that two processes poll', () => {
  it('a change of a table that two processes poll is news to both, although one of them brings it', async () => {
    await using bench = await SyncBench.open();
    const [id = ''] = bench.emulator.store.seed('account', 5);
    await using first = await bench.session(['account'], { holder: 'first' });
    await using second = await bench.session(['account'], { holder: 'second' });
    const changed = async (process: typeof first): Promise<boolean | undefined> =>
      (await process.sync())[0]?.changed;
    expect([await changed(first), await changed(second)]).toEqual([true, false]);
    expect([await changed(first), await changed(second)]).toEqual([false, false]);
    bench.emulator.store.update('account', id, { name: 'changed' });
    expect([await changed(first), await changed(second)]).toEqual([true, true]);
    expect([await changed(first), await changed(second)]).toEqual([false, false]);
  });

  it('a poll costs no request where another process has just polled the table, and still reports that the table changed', async () => {
    await using bench = await SyncBench.open();
    const [id = ''] = bench.emulator.store.seed('account', 5);
    await using first = await bench.session(['account'], { holder: 'first' });
    await using second = await bench.session(['account'], { holder: 'second' });
    await first.sync();
    await second.sync();
    bench.emulator.store.update('account', id, { name: 'changed' });
    await first.sync();
    const before = bench.dataRequests();
    const [result] = await second.sync({ dueAt: performance.now() - 60_000 });
    expect(result).toMatchObject({ failure: null, changed: true, pages: 0 });
    expect(bench.dataRequests()).toBe(before);
  });
});
