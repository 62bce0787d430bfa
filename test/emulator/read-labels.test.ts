import { describe, expect, it } from 'vitest';
import { readLabels } from '../../src/dataverse/metadata/label-reader.ts';
import type { EmulatorOptions } from '../../src/emulator/dataverse-emulator.ts';
import type { LocalizedText, TableLabels } from '../../src/model/option-labels.ts';
import { never } from '../support/mirror.ts';
import { recordedTables } from '../support/recorded.ts';
import { SyncBench } from '../support/sync.ts';

const plain = (text: LocalizedText | undefined): Record<string, string> => Object.fromEntries(text ?? []);

async function read(
  bench: SyncBench,
  table: string,
  options: { details?: boolean } = {},
): Promise<TableLabels> {
  const dataverse = bench.dataverse();
  try {
    return await readLabels(dataverse.client, dataverse.metadata, table, never, options);
  } finally {
    await dataverse.close();
  }
}

const CHOICE_KINDS: ReadonlySet<string> = new Set([
  'Picklist',
  'MultiSelectPicklist',
  'State',
  'Status',
  'Boolean',
]);

/** Columns by name, and the values of each in ascending order. */
function sorted(choices: readonly unknown[]): string[] {
  return (choices as [string, number[]][])
    .map(([column, values]) => `${column}: ${values.toSorted((a, b) => a - b).join(' ')}`)
    .toSorted();
}

const open = async (options?: EmulatorOptions): Promise<SyncBench> => SyncBench.open(options);

/** Casts that were asked for, by the journal. */
function casts(bench: SyncBench): string[] {
  return bench.emulator.requests.entries
    .flatMap(({ path }) => /Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata$/.exec(path)?.[1] ?? [])
    .toSorted();
}

describe('labels read from an environment', () => {
  it('labels read from an environment have every language of tables, columns and options', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    store.renameTable('account', ['Customer', 'Kunde']);
    store.renameColumn('account', 'industrycode', ['Trade', 'Gewerbe']);
    store.renameOption('account', 'industrycode', 1, ['Bookkeeping', 'Buchhaltung']);
    const labels = await read(bench, 'account');
    expect(labels.table).toBe('account');
    expect(plain(labels.displayName)).toEqual({ 1033: 'Customer', 1031: 'Kunde' });
    expect(new Set(labels.collectionName.keys())).toEqual(new Set([1031, 1033]));
    const column = labels.columns.find(({ name }) => name === 'industrycode');
    expect(column).toMatchObject({ attributeType: 'Picklist', attributeTypeName: 'PicklistType' });
    expect(column?.metadataId).toMatch(/^[0-9a-f-]{36}$/);
    expect(column?.columnNumber).toBeGreaterThan(0);
    expect(plain(column?.displayName)).toEqual({ 1033: 'Trade', 1031: 'Gewerbe' });
    const choice = labels.choices.find((each) => each.column === 'industrycode');
    expect(choice).toMatchObject({ kind: 'picklist', isGlobal: false, optionSet: 'account_industrycode' });
    expect(plain(choice?.options.find(({ value }) => value === 1)?.label)).toEqual({
      1033: 'Bookkeeping',
      1031: 'Buchhaltung',
    });
  });

  it('labels read from an environment know the kinds of choices, and what only states and statuses have', async () => {
    await using bench = await open();
    const { choices } = await read(bench, 'account');
    const kinds = new Map(choices.map(({ column, kind }) => [column, kind]));
    expect(new Set(kinds.values())).toEqual(
      new Set(['picklist', 'multiselect', 'state', 'status', 'boolean']),
    );
    const options = (column: string) => choices.find((each) => each.column === column)?.options ?? [];
    expect(options('statecode').map(({ value, invariantName }) => [value, invariantName])).toEqual([
      [0, 'Active'],
      [1, 'Inactive'],
    ]);
    expect(options('statecode').every(({ defaultStatus }) => defaultStatus !== null)).toBe(true);
    expect(options('statuscode').map(({ value, state }) => [value, state])).toEqual([
      [1, 0],
      [2, 1],
    ]);
    const [boolean] = choices.filter(({ kind }) => kind === 'boolean');
    expect(boolean?.options.map(({ value }) => value)).toEqual([0, 1]);
    const shared = choices.filter(({ optionSet }) => optionSet === 'new_region');
    expect(shared[0]).toMatchObject({ isGlobal: true, kind: 'picklist' });
    expect(shared[0]?.options[0]?.color).toBe('#0070c0');
  });

  it('labels read from an environment name each target of a lookup with its key and its name', async () => {
    await using bench = await open();
    const { targets } = await read(bench, 'contact');
    expect(targets.filter(({ column }) => column === 'parentcustomerid')).toEqual([
      { column: 'parentcustomerid', table: 'account', idAttribute: 'accountid', nameAttribute: 'name' },
      { column: 'parentcustomerid', table: 'contact', idAttribute: 'contactid', nameAttribute: 'fullname' },
    ]);
  });

  it('labels read from an environment cost a request for each type that occurs, and for no other', async () => {
    await using bench = await open();
    const labels = await read(bench, 'teammembership');
    expect([labels.choices, labels.targets, casts(bench)]).toEqual([[], [], []]);
    await read(bench, 'account');
    expect(casts(bench)).toEqual(['Boolean', 'Lookup', 'MultiSelectPicklist', 'Picklist', 'State', 'Status']);
  });

  it('labels read from an environment have precision and length where details are asked for', async () => {
    await using bench = await open();
    const without = await read(bench, 'account');
    expect(without.columns.flatMap(({ precision, maxLength }) => precision ?? maxLength ?? [])).toEqual([]);
    const { columns } = await read(bench, 'account', { details: true });
    const column = (name: string) => columns.find((each) => each.name === name);
    expect(column('revenue')?.precision).toBeGreaterThan(0);
    expect(column('name')?.maxLength).toBe(160);
    expect(column('industrycode')).toMatchObject({ precision: null, maxLength: null });
  });

  it('labels read from an environment come from every recorded definition, with all of its options', async () => {
    const tables = new Map(
      [...recordedTables().values()].map((table) => [table.logicalName, table] as const),
    );
    await using bench = await open({ tables: [...tables.values()] });
    expect(tables.size).toBeGreaterThan(20);
    for (const [name, table] of tables) {
      const labels = await read(bench, name, { details: true });
      const options = labels.choices.map(({ column, options: all }) => [
        column,
        all.map(({ value }) => value),
      ]);
      const recorded = table.columns
        .filter(({ kind }) => CHOICE_KINDS.has(kind))
        .map(({ logicalName, optionSet }) => [
          logicalName,
          (optionSet?.options ?? []).map(({ value }) => value),
        ]);
      expect([name, ...sorted(options)]).toEqual([name, ...sorted(recorded)]);
      expect(labels.columns.map((column) => column.name)).toEqual(
        table.columns.map(({ logicalName }) => logicalName),
      );
    }
  });
});
