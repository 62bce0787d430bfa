import { describe, expect, it } from 'vitest';
import { Churn } from '../../src/emulator/demo/churn.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { differences, unexpectedColumns } from '../support/oracle.ts';
import { RECORDED, recordedTable } from '../support/recorded.ts';
import { failures, SyncBench } from '../support/sync.ts';

const VIRTUAL = 'aaduser.21attrs.approval-dev';

/** More than there are hard values, so that the last rows have nulls among them. */
const ROWS = 75;
const CHANGES = 120;

describe('the mirror of a live definition', () => {
  it.each(RECORDED.filter((name) => name !== VIRTUAL))(
    'the mirror of a live definition equals its source: %s',
    async (name) => {
      const definition = recordedTable(name);
      const table = definition.logicalName;
      await using bench = await SyncBench.open({ tables: [definition] });
      const { store } = bench.emulator;
      store.seed(table, ROWS);
      expect(failures(await bench.sync([table], { pageSize: 30 }))).toEqual({});
      expect(await differences(store, bench.database, table)).toEqual([]);
      expect(await unexpectedColumns(store, bench.database, table)).toEqual([]);

      const churn = new Churn(store, new Random(5), [table]);
      for (let change = 0; change < CHANGES; change++) churn.step();
      expect(failures(await bench.sync([table], { pageSize: 30 }))).toEqual({});
      expect(await differences(store, bench.database, table)).toEqual([]);
    },
  );

  it('the mirror of a live virtual table equals its source in snapshots', async () => {
    await using bench = await SyncBench.open({ tables: [recordedTable(VIRTUAL)] });
    const { store } = bench.emulator;
    const ids = store.seed('aaduser', ROWS);
    const options = { mode: 'snapshot', pageSize: 30 } as const;
    expect(failures(await bench.sync(['aaduser'], options))).toEqual({});
    expect(await differences(store, bench.database, 'aaduser')).toEqual([]);
    expect(await unexpectedColumns(store, bench.database, 'aaduser')).toEqual([]);

    for (const id of ids.slice(0, 10)) store.remove('aaduser', id);
    store.seed('aaduser', 20, new Random(9));
    expect(failures(await bench.sync(['aaduser'], options))).toEqual({});
    expect(await differences(store, bench.database, 'aaduser')).toEqual([]);
  });

  it('a live virtual table is refused by change tracking', async () => {
    await using bench = await SyncBench.open({ tables: [recordedTable(VIRTUAL)] });
    bench.emulator.store.seed('aaduser', 3);
    expect(failures(await bench.sync(['aaduser']))).toEqual({ aaduser: 'not-mirrorable' });
  });
});
