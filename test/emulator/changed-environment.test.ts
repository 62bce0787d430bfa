import { describe, expect, it } from 'vitest';
import type { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { text } from '../../src/emulator/table-parts/column-kinds.ts';
import { metadataRequests } from '../support/metadata-requests.ts';
import { openBench, syncJson } from '../support/bench.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const TABLES = ['account', 'contact', 'lead', 'opportunity', 'incident', 'task', 'systemuser', 'team'];
const NEW = text('new_Note', ['Note', 'Notiz']);
const LABELS: SyncOptions = { labels: {} };

/** Makes the environment unable to tell what has changed since a stamp. */
const CANNOT_TELL: Readonly<Record<string, (emulator: DataverseEmulator) => void>> = {
  'the environment tells what has changed': () => undefined,
  'the environment has no RetrieveMetadataChanges': ({ settings }) => {
    settings.metadataChanges = 'unknown';
  },
  'the privilege for it is missing': ({ settings }) => {
    settings.metadataChanges = 'denied';
  },
  'the stamp has expired': ({ settings }) => {
    settings.expireSubscriptionsInDays = -1;
  },
  'its answer is no answer': ({ faults }) => {
    faults.add({ match: { kind: 'metadata-changes' }, do: { status: 200, body: '{"value":[]}' } });
  },
  'nobody may read the organization': ({ faults }) => {
    faults.add({ match: { kind: 'organization' }, do: { status: 403, code: '0x80040220' } });
  },
  'the environment sends no metadata version': ({ faults }) => {
    faults.add({
      match: { path: /./ },
      do: { transformText: (body) => body.replace(/"@Microsoft[^"]*globalmetadataversion":"\d+",/, '') },
    });
  },
};

async function labelsOf(bench: SyncBench, table: string, column: string): Promise<unknown[]> {
  return bench.database.query(
    `SELECT value, label FROM dataverse._choices WHERE (table_name, column_name, language) = ($1, $2, 1033) ORDER BY 1`,
    [table, column],
  );
}

describe('a new process on a changed environment', () => {
  it('a new process makes at most 25 requests for metadata after one column was added', async () => {
    await using bench = await openBench(TABLES);
    const { store, requests } = bench.emulator;
    for (const table of TABLES) store.seed(table, 7);
    await syncJson(bench.cli, ['sync']);
    store.addColumn('lead', NEW);
    const [id = ''] = store.data('lead').rows.keys();
    store.update('lead', id, { new_note: 'filled' });
    requests.clear();
    expect((await syncJson(bench.cli, ['sync'])).status).toBe(0);
    expect(metadataRequests(bench.emulator).length).toBeLessThanOrEqual(25);
    expect(
      requests.find().filter(({ kind, table }) => kind === 'metadata' && table !== 'lead' && table !== null),
    ).toEqual([]);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
    requests.clear();
    expect((await syncJson(bench.cli, ['sync'])).status).toBe(0);
    expect(metadataRequests(bench.emulator).length).toBeLessThanOrEqual(3);
  });

  it.each(Object.entries(CANNOT_TELL))(
    'a new process follows changes of columns and labels where %s',
    async (_, make) => {
      await using bench = await SyncBench.open();
      const { store } = bench.emulator;
      make(bench.emulator);
      for (const table of ['account', 'contact', 'lead']) store.seed(table, 7);
      const sync = async (): Promise<void> => {
        expect(failures(await bench.sync(['account', 'contact', 'lead'], LABELS))).toEqual({});
        expect(await allDifferences(store, bench.database, ['account', 'contact', 'lead'])).toEqual([]);
      };
      await sync();
      store.addColumn('lead', NEW);
      store.renameOption('account', 'statecode', 0, ['Alive', 'Lebendig']);
      await sync();
      expect(await labelsOf(bench, 'account', 'statecode')).toContainEqual({ value: 0, label: 'Alive' });
      store.removeColumn('lead', 'new_note');
      await sync();
      const left = `SELECT FROM dataverse._columns WHERE column_name = 'new_note'`;
      expect(await bench.database.query(left)).toEqual([]);
      store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
      await sync();
    },
  );

  it.each(['told', 'untold'] as const)(
    'a new process follows a change of a global choice that is %s',
    async (globalChoices) => {
      await using bench = await SyncBench.open();
      const { store, settings } = bench.emulator;
      settings.globalChoices = globalChoices;
      const users = [...store.tables.values()].flatMap(({ logicalName: table, tableType, columns }) =>
        columns
          .filter(({ optionSet }) => tableType === 'Standard' && optionSet?.isGlobal === true)
          .map(({ logicalName: column, optionSet }) => ({ table, column, set: optionSet?.name })),
      );
      const sharing = users.filter(({ set }) => set === users[0]?.set);
      const tables = [...new Set(sharing.map(({ table }) => table))];
      await bench.sync(tables, LABELS);
      const [{ table, column } = { table: '', column: '' }] = sharing;
      store.addOption(table, column, { value: 777, label: ['Shared', 'Geteilt'] });
      await bench.sync(tables, LABELS);
      for (const user of sharing) {
        expect(await labelsOf(bench, user.table, user.column)).toContainEqual({
          value: 777,
          label: 'Shared',
        });
      }
    },
  );

  it('a new process follows tables that come and go, by a pattern', async () => {
    await using bench = await openBench(['lead*']);
    const { store } = bench.emulator;
    const names = async (): Promise<string[]> =>
      (await syncJson(bench.cli, ['sync'])).tables.map(({ table }) => table);
    const before = await names();
    expect(before).toEqual(['lead']);
    const model = store.tables.get('lead');
    if (model === undefined) throw new Error('no such table');
    const added = {
      ...model,
      logicalName: 'leadlater',
      schemaName: 'LeadLater',
      entitySetName: 'leadlaters',
    };
    store.addTable({ ...added, metadataId: '70816501-edb9-4740-a16c-6a5efbc05d99' });
    expect(await names()).toEqual(['lead', 'leadlater']);
    store.removeTable('leadlater');
    expect(await names()).toEqual(before);
    expect(await names()).toEqual(before);
  });

  it('a new process reads everything after the environment went back in time, and after that', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 9);
    const sync = async (): Promise<void> => {
      expect(failures(await bench.sync(['account', 'contact'], LABELS))).toEqual({});
      expect(await allDifferences(store, bench.database, ['account', 'contact'])).toEqual([]);
    };
    await sync();
    const backup = store.snapshot();
    store.addColumn('account', NEW);
    store.renameOption('contact', 'statecode', 0, ['Alive', 'Lebendig']);
    store.seed('account', 3);
    await sync();
    store.resetTo(backup);
    await sync();
    expect(await labelsOf(bench, 'contact', 'statecode')).not.toContainEqual({ value: 0, label: 'Alive' });
    // As many changes as before bring the version that the process knew before the reset.
    store.renameColumn('account', 'name', ['Firm', 'Firma']);
    store.addColumn('contact', NEW);
    await sync();
    const [named] = await bench.database.query<{ note: string }>(
      `SELECT count(*)::int AS note FROM dataverse._columns WHERE (table_name, column_name) = ('contact', 'new_note')`,
    );
    expect(named?.note).toBe(1);
  });

  it('a new process reads everything of another organization with the same metadata version', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 9);
    await bench.sync(['account'], LABELS);
    const backup = store.snapshot();
    store.addColumn('account', NEW);
    await bench.sync(['account'], LABELS);
    store.resetTo(backup);
    store.addColumn('account', text('new_Other', ['Other', 'Anders']));
    store.organizationId = '6fb0a1c4-33d7-4c6e-9a0e-52a9f1c77e99';
    expect(failures(await bench.sync(['account'], LABELS))).toEqual({});
    expect(await allDifferences(store, bench.database, ['account'])).toEqual([]);
    expect(await bench.database.query('SELECT new_other FROM dataverse.account LIMIT 1')).toHaveLength(1);
  });

  it.each(['offered', 'unknown'] as const)(
    'a change that comes while definitions are read is not lost, with RetrieveMetadataChanges %s',
    async (metadataChanges) => {
      await using bench = await SyncBench.open();
      const { store, faults, settings } = bench.emulator;
      settings.metadataChanges = metadataChanges;
      store.seed('account', 9);
      for (const [at, path] of [
        /EntityDefinitions\?/,
        /Attributes\?/,
        /metadata$/,
        /StateAttribute/,
      ].entries()) {
        let changed = false;
        const fault = faults.add({
          match: { path },
          do: {
            transformText(body) {
              if (!changed) store.addColumn('account', text(`new_Late${at}`, ['Late', 'Spät']));
              changed = true;
              return body;
            },
          },
        });
        store.renameTable('account', [`Customer ${at}`, 'Kunde']);
        await bench.sync(['account', 'contact'], LABELS);
        fault.remove();
        await bench.sync(['account', 'contact'], LABELS);
        expect(await allDifferences(store, bench.database, ['account', 'contact'])).toEqual([]);
        const late = `SELECT FROM dataverse._columns WHERE column_name = 'new_late${at}'`;
        expect(await bench.database.query(late)).toHaveLength(1);
      }
    },
  );
});

describe('a process that goes on', () => {
  it('a process reads what has changed and no more, and so does another process beside it', async () => {
    await using bench = await SyncBench.open();
    const { store, requests } = bench.emulator;
    const tables = ['account', 'contact', 'lead', 'task', 'team'];
    for (const table of tables) store.seed(table, 5);
    await using one = await bench.session(tables, { ...LABELS, holder: 'one' });
    await one.sync();
    await using two = await bench.session(tables, { ...LABELS, holder: 'two' });
    await two.sync();
    for (const column of ['new_First', 'new_Second']) {
      store.addColumn('lead', text(column, ['Note', 'Notiz']));
      requests.clear();
      for (const pass of [1, 2, 3]) {
        for (const session of [one, two]) expect([pass, failures(await session.sync())]).toEqual([pass, {}]);
      }
      const asked = requests
        .find()
        .filter(({ kind, url }) => kind === 'metadata' && url.includes('LogicalName='));
      expect(asked.filter(({ url }) => !url.includes("'lead'"))).toEqual([]);
      expect(metadataRequests(bench.emulator).length).toBeLessThanOrEqual(2 * 25);
      expect(await allDifferences(store, bench.database, tables)).toEqual([]);
    }
  });
});
