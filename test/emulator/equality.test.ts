import { describe, expect, it } from 'vitest';
import { Churn } from '../../src/emulator/demo/churn.ts';
import { seedDemoData } from '../../src/emulator/demo/demo-data.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { allDifferences, MIRRORED } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

describe('the mirror', () => {
  it('the mirror equals the source value by value after a baseline and after 2,000 random changes', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    seedDemoData(store, 4_000);
    expect(failures(await bench.sync(MIRRORED, { pageSize: 300 }))).toEqual({});
    expect(await allDifferences(store, bench.database)).toEqual([]);

    const churn = new Churn(store, new Random(3), MIRRORED);
    for (let change = 0; change < 2_000; change++) {
      churn.step();
      if (change % 500 === 250) await bench.sync(MIRRORED, { pageSize: 50 });
    }
    expect(failures(await bench.sync(MIRRORED, { pageSize: 50 }))).toEqual({});
    expect(await allDifferences(store, bench.database)).toEqual([]);
  });

  it('the mirror has the hardest numbers as they were written', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const id = store.insert('account', {
      name: 'exact',
      revenue: { number: '922337203685477.5807' },
    });
    await bench.sync(['account']);
    const [row] = await bench.database.query(
      'SELECT revenue::text FROM dataverse.account WHERE accountid = $1',
      [id],
    );
    expect(row).toEqual({ revenue: '922337203685477.5807' });
  });

  it('the mirror has the changes that were made while its baseline was paging', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    const ids = store.seed('contact', 500);
    settings.onPage = ({ kind, pageNumber }) => {
      if (kind !== 'baseline' || pageNumber > 4) return;
      store.update('contact', ids[0] as string, { firstname: `changed on page ${pageNumber}` });
      store.update('contact', ids[499] as string, { firstname: `changed on page ${pageNumber}` });
      store.remove('contact', ids[pageNumber * 10] as string);
      store.insert('contact', { firstname: `new on page ${pageNumber}` });
    };
    expect(failures(await bench.sync(['contact'], { pageSize: 100 }))).toEqual({});
    expect(await allDifferences(store, bench.database, ['contact'])).toEqual([]);
  });

  it('the mirror has a row that was deleted and restored between two polls', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [first, second] = store.seed('account', 3);
    await bench.sync(['account']);
    store.remove('account', first as string);
    store.restore('account', first as string);
    store.remove('account', second as string);
    await bench.sync(['account'], { pageSize: 1 });
    expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
  });

  it('the mirror forgets a row that was created and deleted between two polls', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 3);
    await bench.sync(['account']);
    store.remove('account', store.insert('account', { name: 'short' }));
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
  });

  it('the mirror keeps deleted rows, marked, where deletes are soft', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const [first] = store.seed('account', 3);
    await bench.sync(['account'], { softDeletes: true });
    store.remove('account', first as string);
    await bench.sync(['account'], { softDeletes: true });
    expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
    const all = await bench.database.query('SELECT FROM dataverse.account');
    expect(all).toHaveLength(3);
  });

  it('the mirror leaves out excluded columns, and fills them once they are wanted', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 20);
    await bench.sync(['account'], { columns: { exclude: ['name'] } });
    const columns = `SELECT FROM pg_attribute WHERE attrelid = 'dataverse.account'::regclass AND attname = 'name'`;
    expect(await bench.database.query(columns)).toHaveLength(0);
    await bench.sync(['account']);
    expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
  });
});
