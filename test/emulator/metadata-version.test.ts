import { describe, expect, it } from 'vitest';
import { guid, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { EmulatedApi, type Answer } from '../support/emulated-api.ts';

const MEMBER = '@Microsoft.Dynamics.CRM.globalmetadataversion';
const WANTED = 'odata.include-annotations="Microsoft.Dynamics.CRM.globalmetadataversion"';

describe('the metadata version', () => {
  it('the metadata version stands next to the context of every kind of read, when it is asked for', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const id = store.insert('account', { name: 'Contoso' });
    store.insert('account', { name: 'Fabrikam' });
    const tracked = `odata.track-changes,odata.maxpagesize=1,${WANTED}`;
    const baseline = await api.get('accounts?$select=name', tracked);
    const next = await api.get(String(baseline.json['@odata.nextLink']), tracked);
    const answers: Record<string, Answer> = {
      baseline,
      next,
      delta: await api.get(String(next.json['@odata.deltaLink']), WANTED),
      list: await api.get('accounts?$select=name', WANTED),
      row: await api.get(`accounts(${id})?$select=name`, WANTED),
      definitions: await api.get('EntityDefinitions?$select=LogicalName', WANTED),
      definition: await api.get(`EntityDefinitions(LogicalName='account')?$select=LogicalName`, WANTED),
      attributes: await api.get(
        `EntityDefinitions(LogicalName='account')/Attributes?$select=LogicalName`,
        WANTED,
      ),
      organization: await api.get('organizations?$select=name', WANTED),
      all: await api.get('accounts?$select=name', 'odata.include-annotations="*"'),
    };
    for (const [kind, answer] of Object.entries(answers)) {
      expect([kind, answer.json[MEMBER]]).toEqual([kind, String(store.metadataVersion)]);
      expect(answer.text).toMatch(/^\{"@odata\.context":"[^"]*",(?:"@Microsoft[^,]*,)*"@Microsoft/);
    }
    expect((await api.get('accounts?$select=name')).json).not.toHaveProperty(MEMBER);
    expect((await api.get('EntityDefinitions?$select=LogicalName')).json).not.toHaveProperty(MEMBER);
  });

  it('the metadata version grows with every change of the model and with no change of a row', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const id = store.insert('account', { name: 'Contoso' });
    const version = async (): Promise<number> =>
      Number((await api.get('accounts?$select=name', WANTED)).json[MEMBER]);
    const rowVersion = store.data('account').rows.get(id)?.version;
    let last = await version();
    store.update('account', store.insert('account', {}), { name: 'Fabrikam' });
    expect(await version()).toBe(last);
    const changes = [
      () => store.renameTable('account', ['Customer', 'Kunde']),
      () => store.renameColumn('account', 'name', ['Firm', 'Firma']),
      () => store.renameOption('account', 'statecode', 0, ['On', 'An']),
      () => store.addOption('account', 'industrycode', { value: 900, label: ['Space', 'Raumfahrt'] }),
      () => store.retypeColumn('account', 'telephone1', { kind: 'Memo' }),
      () => store.addColumn('account', text('new_Extra', ['Extra', 'Extra'])),
      () => store.removeColumn('account', 'new_extra'),
      () => store.addColumn('account', guid('new_Ref', ['Reference', 'Bezug'])),
    ];
    for (const change of changes) {
      change();
      expect(await version()).toBeGreaterThan(last);
      last = await version();
    }
    expect(store.data('account').rows.get(id)?.version).toBe(rowVersion);
  });
});
