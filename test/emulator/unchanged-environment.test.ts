import { describe, expect, it } from 'vitest';
import { dataRequests, openBench, syncJson } from '../support/bench.ts';
import { metadataRequests } from '../support/metadata-requests.ts';
import { allDifferences } from '../support/oracle.ts';

const TABLES = ['account', 'contact', 'lead', 'opportunity', 'incident', 'task', 'systemuser', 'team'];

describe('a new process on an unchanged environment', () => {
  it.each([
    ['named tables', TABLES],
    ['a pattern', ['account', 't*']],
    ['all tables', ['*']],
  ])(
    'a new process on an unchanged environment makes at most three requests beside its pages: %s',
    async (_, tables) => {
      await using bench = await openBench(tables);
      const { store, requests } = bench.emulator;
      for (const table of TABLES) store.seed(table, 7);
      const loaded = await syncJson(bench.cli, ['sync']);
      expect(loaded.tables.length).toBeGreaterThan(1);
      requests.clear();
      const { status, tables: results } = await syncJson(bench.cli, ['sync']);
      expect(status).toBe(loaded.status);
      expect(results.map(({ table }) => table)).toEqual(loaded.tables.map(({ table }) => table));
      expect(metadataRequests(bench.emulator).length).toBeLessThanOrEqual(3);
      const names = results.filter(({ error }) => error === null).map(({ table }) => table);
      for (const table of names) {
        expect([table, dataRequests(bench.emulator, table).length]).toEqual([table, 1]);
      }
      expect(await allDifferences(store, bench.database, names)).toEqual([]);
    },
  );

  it.each(['offered', 'unknown'] as const)(
    'a new process that may not read the organization makes at most three requests too, with RetrieveMetadataChanges %s',
    async (metadataChanges) => {
      await using bench = await openBench(['account', 'contact']);
      const { settings, faults, requests } = bench.emulator;
      settings.metadataChanges = metadataChanges;
      faults.add({ match: { kind: 'organization' }, do: { status: 403, code: '0x80040220' } });
      await syncJson(bench.cli, ['sync']);
      requests.clear();
      expect((await syncJson(bench.cli, ['sync'])).status).toBe(0);
      expect(metadataRequests(bench.emulator).length).toBeLessThanOrEqual(3);
    },
  );

  it('a new process reads everything after another identity or an earlier version of mirrorverse', async () => {
    await using bench = await openBench(['account']);
    const { settings, requests } = bench.emulator;
    const readsAttributes = async (): Promise<boolean> => {
      requests.clear();
      await syncJson(bench.cli, ['sync']);
      return metadataRequests(bench.emulator).some((request) => request.includes('/Attributes'));
    };
    expect([await readsAttributes(), await readsAttributes()]).toEqual([true, false]);
    settings.userId = '5026be43-6b69-e111-8f65-78e7d1620f5e';
    expect([await readsAttributes(), await readsAttributes()]).toEqual([true, false]);
    await bench.database.query(
      `UPDATE mirrorverse.environments SET metadata_reader = regexp_replace(metadata_reader, '^[0-9]+ ', '0 ')`,
    );
    expect([await readsAttributes(), await readsAttributes()]).toEqual([true, false]);
  });
});
