import { describe, expect, it } from 'vitest';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

describe('a failing table', () => {
  it('a failing table does not keep the others from finishing, and costs a handful of requests', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    for (const table of ['account', 'contact', 'lead']) store.seed(table, 30);
    settings.deniedTables.add('contact');
    const results = await bench.sync(['account', 'contact', 'lead', 'nosuchtable', 'aaduser']);
    expect(failures(results)).toEqual({
      contact: 'privilege-missing',
      nosuchtable: 'table-not-found',
      aaduser: 'not-mirrorable',
    });
    expect(await allDifferences(store, bench.database, ['account', 'lead'])).toEqual([]);
    expect(bench.dataRequests('contact')).toBeLessThanOrEqual(2);
  });

  it('a failing table goes on where it stood once it is mended', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    const [id] = store.seed('contact', 30);
    await bench.sync(['contact']);
    settings.deniedTables.add('contact');
    store.update('contact', id as string, { firstname: 'changed' });
    await bench.sync(['contact']);
    const [state] = await bench.database.query(
      `SELECT phase, error_code, failures FROM mirrorverse.tables WHERE "table" = 'contact'`,
    );
    expect(state).toEqual({ phase: 'delta', error_code: 'privilege-missing', failures: 1 });
    settings.deniedTables.clear();
    bench.emulator.requests.clear();
    expect(failures(await bench.sync(['contact']))).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(0);
    expect(await allDifferences(store, bench.database, ['contact'])).toEqual([]);
  });

  it('a table that was configured by its entity set fails with its logical name in the remedy', async () => {
    await using bench = await SyncBench.open();
    const [result] = await bench.sync(['opportunities']);
    expect(result?.failure).toMatchObject({ code: 'table-not-found' });
    expect(result?.failure?.remedy).toContain('opportunity');
  });
});
