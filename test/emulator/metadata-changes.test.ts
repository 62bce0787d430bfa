import { describe, expect, it } from 'vitest';
import { text } from '../../src/emulator/table-parts/column-kinds.ts';
import { EmulatedApi, type Answer } from '../support/emulated-api.ts';

const QUERY = {
  Properties: { AllProperties: false, PropertyNames: ['LogicalName', 'DisplayName', 'Attributes'] },
  AttributeQuery: { Properties: { AllProperties: false, PropertyNames: ['LogicalName'] } },
};

async function changes(api: EmulatedApi, stamp?: string): Promise<Answer> {
  const query = `@p1=${encodeURIComponent(JSON.stringify(QUERY))}`;
  if (stamp === undefined) return api.get(`RetrieveMetadataChanges(Query=@p1)?${query}`);
  const filters = encodeURIComponent("Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'");
  const values = `${query}&@p2=${encodeURIComponent(`'${stamp}'`)}&@p3=${filters}`;
  return api.get(
    `RetrieveMetadataChanges(Query=@p1,ClientVersionStamp=@p2,DeletedMetadataFilters=@p3)?${values}`,
  );
}

const stampOf = ({ json }: Answer): string => String(json['ServerVersionStamp']);

/** The tables of an answer, each with the columns that it tells. */
function told({ json }: Answer): Record<string, readonly string[]> {
  const tables = json['EntityMetadata'] as { LogicalName: string; Attributes: { LogicalName: string }[] }[];
  return Object.fromEntries(
    tables.map((table) => [table.LogicalName, table.Attributes.map(({ LogicalName }) => LogicalName)]),
  );
}

describe('RetrieveMetadataChanges', () => {
  it('RetrieveMetadataChanges tells all tables without a stamp, and what has changed with one', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const first = await changes(api);
    expect(Object.keys(told(first))).toEqual([...store.tables.keys()]);
    expect(stampOf(first)).toMatch(/^\d+!\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d$/);
    expect(told(await changes(api, stampOf(first)))).toEqual({});
    store.addColumn('lead', text('new_Note', ['Note', 'Notiz']));
    store.renameTable('account', ['Customer', 'Kunde']);
    const second = await changes(api, stampOf(first));
    expect(told(second)).toEqual({ account: [], lead: ['new_note'] });
    expect(told(await changes(api, stampOf(second)))).toEqual({});
  });

  it('RetrieveMetadataChanges tells the ids of what is gone', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    const stamp = stampOf(await changes(api));
    const lead = store.tables.get('lead')?.metadataId;
    store.removeColumn('account', 'telephone1');
    store.removeTable('lead');
    const { Keys, Values } = (await changes(api, stamp)).json['DeletedMetadata'] as {
      Keys: string[];
      Values: { Items: string[] }[];
    };
    expect(Values[Keys.indexOf('Entity')]?.Items).toEqual([lead]);
    expect(Values[Keys.indexOf('Attribute')]?.Items.length).toBeGreaterThan(1);
  });

  it('RetrieveMetadataChanges refuses a stamp that has expired, and a caller without the privilege', async () => {
    await using api = await EmulatedApi.open();
    const { settings } = api.emulator;
    const stamp = stampOf(await changes(api));
    settings.expireSubscriptionsInDays = -1;
    const expired = await changes(api, stamp);
    expect([expired.status, (expired.json['error'] as { code: string }).code]).toEqual([400, '0x80044352']);
    settings.metadataChanges = 'denied';
    expect((await changes(api)).status).toBe(403);
    settings.metadataChanges = 'unknown';
    expect((await changes(api)).status).toBe(404);
  });
});
