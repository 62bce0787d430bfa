import { describe, expect, it } from 'vitest';
import { EmulatedApi } from '../support/emulated-api.ts';

const LABELS = 'odata.include-annotations="OData.Community.Display.V1.FormattedValue"';

describe('a label', () => {
  it('a label that is changed shows in metadata and formatted values, while no row comes in a delta', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const id = store.insert('account', { name: 'Contoso', industrycode: 1 });
    const baseline = await api.get('accounts?$select=industrycode', 'odata.track-changes');
    store.renameOption('account', 'industrycode', 1, ['Bookkeeping', 'Buchhaltung']);
    store.renameColumn('account', 'industrycode', ['Trade', 'Gewerbe']);
    store.renameTable('account', ['Customer', 'Kunde']);
    const delta = await api.get(String(baseline.json['@odata.deltaLink']));
    expect([delta.status, delta.rows]).toEqual([200, []]);
    const row = await api.get(`accounts(${id})?$select=industrycode`, LABELS);
    expect(row.json['industrycode@OData.Community.Display.V1.FormattedValue']).toBe('Bookkeeping');
    const table = `EntityDefinitions(LogicalName='account')`;
    expect((await api.get(`${table}?$select=DisplayName`)).text).toContain('"Kunde"');
    const attribute = `${table}/Attributes(LogicalName='industrycode')`;
    expect((await api.get(`${attribute}?$select=DisplayName`)).text).toContain('"Gewerbe"');
    const cast = `${attribute}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata`;
    expect((await api.get(`${cast}?$select=LogicalName&$expand=OptionSet`)).text).toContain('"Buchhaltung"');
  });

  it('a label of a global option changes in every column that shares the set', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const users = [...store.tables.values()].flatMap((table) =>
      table.columns
        .filter((column) => column.optionSet?.isGlobal === true)
        .map((column) => ({ table: table.logicalName, column: column.logicalName, set: column.optionSet })),
    );
    const [first] = users;
    const sharing = users.filter((each) => each.set?.name === first?.set?.name);
    store.addOption(first?.table ?? '', first?.column ?? '', { value: 777, label: ['Shared', 'Geteilt'] });
    for (const { table, column } of sharing) {
      const definition = store.tables.get(table)?.columns.find((each) => each.logicalName === column);
      expect(definition?.optionSet?.options.at(-1)?.value).toBe(777);
    }
  });
});

describe('a column', () => {
  it('a column that becomes date only keeps its dates and loses the time', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const id = store.insert('account', { lastonholdtime: '2024-05-06T07:08:09Z' });
    const before = await api.get(`accounts(${id})?$select=lastonholdtime`);
    store.retypeColumn('account', 'lastonholdtime', { behavior: 'DateOnly', format: 'DateOnly' });
    const after = await api.get(`accounts(${id})?$select=lastonholdtime`);
    expect(after.json['lastonholdtime']).toBe('2024-05-06');
    expect(after.json['@odata.etag']).toBe(before.json['@odata.etag']);
    expect((await api.get('$metadata')).text).toContain('<Property Name="lastonholdtime" Type="Edm.Date" />');
  });

  it('a column that changes its kind keeps what the new kind can hold, and is null in every other row', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const id = store.insert('account', { telephone1: '0221', numberofemployees: 12, industrycode: 1 });
    store.retypeColumn('account', 'telephone1', { kind: 'Memo' });
    store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal', precision: 2 });
    store.retypeColumn('account', 'industrycode', { kind: 'String', optionSet: null });
    const row = await api.get(`accounts(${id})?$select=telephone1,numberofemployees,industrycode`);
    expect(row.json).toMatchObject({ telephone1: '0221', numberofemployees: 12, industrycode: null });
    const attributes = await api.get(
      `EntityDefinitions(LogicalName='account')/Attributes?$select=LogicalName,AttributeType`,
    );
    const kinds = new Map(attributes.rows.map((each) => [each['LogicalName'], each['AttributeType']]));
    expect(kinds.get('numberofemployees')).toBe('Decimal');
    expect(kinds.has('industrycodename')).toBe(false);
  });

  it('a column that is removed makes the links that select it fail, unless the emulator leaves such columns out', async () => {
    await using api = await EmulatedApi.open();
    const { store, settings } = api.emulator;
    store.seed('account', 3);
    const first = await api.get(
      'accounts?$select=name,telephone1',
      'odata.track-changes,odata.maxpagesize=2',
    );
    const nextLink = String(first.json['@odata.nextLink']);
    const last = await api.get(nextLink, 'odata.maxpagesize=2');
    const deltaLink = String(last.json['@odata.deltaLink']);
    store.removeColumn('account', 'telephone1');
    for (const link of [nextLink, deltaLink]) {
      const answer = await api.get(link);
      expect([answer.status, answer.error.code]).toEqual([400, '0x80060888']);
      expect(answer.error.message).toBe(
        "Could not find a property named 'telephone1' on type 'Microsoft.Dynamics.CRM.account'.",
      );
    }
    settings.removedColumns = 'left-out';
    expect((await api.get(nextLink)).rows[0]).not.toHaveProperty('telephone1');
    expect((await api.get('accounts?$select=telephone1')).status).toBe(400);
  });
});
