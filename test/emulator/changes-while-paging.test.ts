import { describe, expect, it } from 'vitest';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** Changes rows of every kind of place after each of the first pages of a load: read, and yet to be read. */
function changesWhilePaging(bench: SyncBench, ids: readonly string[], kinds: readonly string[]): void {
  const { store, settings } = bench.emulator;
  let round = 0;
  settings.onPage = ({ kind, pageNumber }) => {
    if (!kinds.includes(kind) || pageNumber > 4 || round >= 12) return;
    round++;
    const id = (place: number): string => ids[place + round] as string;
    store.remove('account', id(0));
    store.remove('account', id(150));
    store.update('account', id(50), { name: `read, changed ${round}` });
    store.update('account', id(100), { name: `changed ${round}` });
    store.insert('account', { name: `new ${round}` });
  };
}

describe('a row that changes while a baseline is paging', () => {
  for (const tokenFrom of ['first-page', 'last-page'] as const) {
    for (const pagesSee of ['frozen', 'live'] as const) {
      it(`is in the mirror after one pass: link of the ${tokenFrom}, ${pagesSee} pages`, async () => {
        await using bench = await SyncBench.open();
        const { store, settings } = bench.emulator;
        Object.assign(settings, { tokenFrom, pagesSee });
        const ids = store.seed('account', 200);
        changesWhilePaging(bench, ids, ['baseline']);
        expect(failures(await bench.sync(['account'], { pageSize: 40 }))).toEqual({});
        expect(await differences(store, bench.database, 'account')).toEqual([]);
      });

      it(`is in the mirror after a re-baseline: link of the ${tokenFrom}, ${pagesSee} pages`, async () => {
        await using bench = await SyncBench.open();
        const { store, settings } = bench.emulator;
        Object.assign(settings, { tokenFrom, pagesSee });
        const ids = store.seed('account', 200);
        await bench.sync(['account'], { pageSize: 40 });
        settings.expireTokens();
        changesWhilePaging(bench, ids, ['baseline']);
        expect(failures(await bench.sync(['account'], { pageSize: 40 }))).toEqual({});
        expect(await differences(store, bench.database, 'account')).toEqual([]);
      });
    }
  }

  it('costs no second load where the link stands for the first page', async () => {
    await using bench = await SyncBench.open();
    const ids = bench.emulator.store.seed('account', 200);
    changesWhilePaging(bench, ids, ['baseline']);
    await bench.sync(['account'], { pageSize: 40 });
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });

  it('costs no second load where nothing changed meanwhile', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.settings.tokenFrom = 'last-page';
    bench.emulator.store.seed('account', 200);
    await bench.sync(['account'], { pageSize: 40 });
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });
});
