import { DynamicsWebApi } from 'dynamics-web-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';

interface Entry {
  accountid?: string;
  name?: string;
  id?: string;
  reason?: string;
}

/**
 * A client that somebody else wrote for the real thing finds nothing odd about the emulator: what the
 * daemon is tested against is not merely what its authors believe Dataverse to be.
 */
describe('dynamics-web-api', () => {
  const emulator = new DataverseEmulator({ seed: 5 });
  let client: DynamicsWebApi;
  beforeAll(async () => {
    const serverUrl = await emulator.listen();
    client = new DynamicsWebApi({
      serverUrl,
      dataApi: { version: '9.2' },
      onTokenRefresh: async () => 'emulator-token',
    });
  });
  afterAll(async () => emulator.close());

  /** All pages from a first one or a link on, and the delta link of the last. */
  async function pages(link?: string): Promise<{ entries: Entry[]; deltaLink: string; pages: number }> {
    const entries: Entry[] = [];
    const request = {
      collection: 'accounts',
      select: ['name', 'revenue'],
      maxPageSize: 10,
      trackChanges: true,
    };
    let next = link;
    for (let count = 1; ; count++) {
      const page = await client.retrieveMultiple<Entry>(request, next);
      entries.push(...(page.value ?? []));
      if (page.oDataNextLink === undefined) {
        return { entries, deltaLink: page.oDataDeltaLink ?? '', pages: count };
      }
      next = page.oDataNextLink;
    }
  }

  it('dynamics-web-api signs in and learns who it is', async () => {
    const answer = await client.callFunction<{ OrganizationId: string }>('WhoAmI');
    expect(answer.OrganizationId).toBe(emulator.store.organizationId);
  });

  it('dynamics-web-api pages through a tracked table and follows its changes', async () => {
    const ids = emulator.store.seed('account', 25);
    const load = await pages();
    expect(load.pages).toBe(3);
    expect(new Set(load.entries.map((entry) => entry.accountid))).toEqual(new Set(ids));
    expect(load.deltaLink).toContain('$deltatoken=');

    const idle = await pages(load.deltaLink);
    expect(idle.entries).toEqual([]);

    const added = emulator.store.insert('account', { name: 'added' });
    emulator.store.update('account', ids[0] as string, { name: 'changed' });
    emulator.store.remove('account', ids[1] as string);
    const changes = await pages(idle.deltaLink);
    const upserts = changes.entries.filter((entry) => entry.reason === undefined);
    expect(new Map(upserts.map((entry) => [entry.accountid, entry.name]))).toEqual(
      new Map([
        [added, 'added'],
        [ids[0], 'changed'],
      ]),
    );
    const deleted = changes.entries.filter((entry) => entry.reason === 'deleted');
    expect(deleted.map((entry) => entry.id)).toEqual([ids[1]]);
    expect((await pages(changes.deltaLink)).entries).toEqual([]);
  });

  it('dynamics-web-api pages a delta, and meets the expired link as an error with its code', async () => {
    const ids = emulator.store.seed('account', 3);
    const { deltaLink } = await pages();
    for (const id of emulator.store.truth('account').keys()) {
      emulator.store.update('account', id, { name: 'all of them' });
    }
    const changes = await pages(deltaLink);
    expect(changes.pages).toBeGreaterThan(2);
    expect(changes.entries.length).toBe(emulator.store.truth('account').size);
    expect(ids.every((id) => changes.entries.some((entry) => entry.accountid === id))).toBe(true);
    emulator.settings.expireTokens();
    await expect(pages(deltaLink)).rejects.toMatchObject({ code: '0x80044352' });
  });

  it('dynamics-web-api reads table definitions, attributes by their kind, and single rows', async () => {
    const table = await client.retrieveEntity<{ EntitySetName: string; PrimaryIdAttribute: string }>({
      key: `LogicalName='account'`,
      select: ['EntitySetName', 'PrimaryIdAttribute', 'ChangeTrackingEnabled'],
    });
    expect(table).toMatchObject({ EntitySetName: 'accounts', PrimaryIdAttribute: 'accountid' });
    const moneys = await client.retrieveAttributes({
      entityKey: `LogicalName='account'`,
      castType: 'Microsoft.Dynamics.CRM.MoneyAttributeMetadata',
      select: ['LogicalName', 'Precision'],
    });
    expect(moneys.value?.length).toBeGreaterThan(0);
    const id = emulator.store.insert('account', { name: 'one' });
    const row = await client.retrieve<Entry>({ collection: 'accounts', key: id, select: ['name'] });
    expect(row.name).toBe('one');
    await expect(
      client.retrieve({ collection: 'accounts', key: '00000000-0000-4000-8000-000000000000' }),
    ).rejects.toMatchObject({ status: 404 });
  });
});
