import { assert, asyncProperty, subarray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EmulatedApi } from '../support/emulated-api.ts';

describe('a full read without change tracking', () => {
  for (const table of ['account', 'aaduser', 'new_untracked', 'teammembership']) {
    it(`a full read of ${table} without change tracking shows every row once, in the order of the key, over pages of the asked size`, async () => {
      await using api = await EmulatedApi.open();
      const { store } = api.emulator;
      for (const end of ['systemuser', 'team']) store.seed(end, 3);
      const ids = store.seed(table, 25);
      const { entitySetName, primaryIdAttribute: key } = store.data(table).definition;
      const path = `${entitySetName}?$select=${key}&$orderby=${key}%20asc`;
      const pages = await api.pages(path, 'odata.maxpagesize=10');
      expect(pages.map((page) => page.rows.length)).toEqual([10, 10, 5]);
      const seen = pages.flatMap((page) => page.rows.map((row) => String(row[key])));
      expect(seen.toSorted()).toEqual(ids.toSorted());
      const cookie = decodeURIComponent(decodeURIComponent(String(pages[0]?.json['@odata.nextLink'])));
      expect(cookie).toContain(
        `<cookie page="1"><${key} last="{${seen[9]?.toUpperCase()}}" first="{${seen[0]?.toUpperCase()}}" /></cookie>`,
      );
      expect(cookie).toContain('istracking="False"');
    });
  }

  it('a full read without change tracking goes on after the last key it showed, whatever happened to that row', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    store.seed('account', 6);
    const path = 'accounts?$select=name&$orderby=accountid asc';
    const first = await api.get(path, 'odata.maxpagesize=3');
    store.remove('account', String(first.rows[2]?.['accountid']));
    const next = await api.get(String(first.json['@odata.nextLink']), 'odata.maxpagesize=3');
    expect(next.rows).toHaveLength(3);
  });
});

describe('a filter', () => {
  it('a filter of equality finds the one row, and none where there is none', async () => {
    await using api = await EmulatedApi.open();
    const [id] = api.emulator.store.seed('account', 5);
    const found = await api.get(`accounts?$select=name&$filter=accountid eq ${id}`);
    expect(found.rows.map((row) => row['accountid'])).toEqual([id]);
    const none = await api.get(
      'accounts?$select=name&$filter=accountid eq 00000000-0000-4000-8000-000000000000',
    );
    expect([none.status, none.rows]).toEqual([200, []]);
  });

  it('a filter with In finds exactly the rows that exist among the named ones, over pages', async () => {
    await using api = await EmulatedApi.open();
    const ids = api.emulator.store.seed('account', 20);
    await assert(
      asyncProperty(subarray(ids, { minLength: 1 }), async (wanted) => {
        const list = [...wanted, '00000000-0000-4000-8000-000000000000'].map((id) => `'${id}'`);
        const filter = `Microsoft.Dynamics.CRM.In(PropertyName='accountid',PropertyValues=[${list.join(',')}])`;
        const pages = await api.pages(
          `accounts?$select=name&$filter=${encodeURIComponent(filter)}`,
          'odata.maxpagesize=4',
        );
        const seen = pages.flatMap((page) => page.rows.map((row) => String(row['accountid'])));
        expect(seen.toSorted()).toEqual(wanted.toSorted());
      }),
      { numRuns: 20 },
    );
  });

  it('a filter with In takes parameter aliases', async () => {
    await using api = await EmulatedApi.open();
    const ids = api.emulator.store.seed('account', 3);
    const query = `$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&@p1='accountid'&@p2=['${ids[0]}','${ids[2]}']`;
    const pages = await api.pages(`accounts?$select=name&${query}`, 'odata.maxpagesize=1');
    const seen = pages.flatMap((page) => page.rows.map((row) => String(row['accountid'])));
    expect(seen.toSorted()).toEqual([String(ids[0]), String(ids[2])].toSorted());
  });

  it('a filter of any other form is refused as not emulated', async () => {
    await using api = await EmulatedApi.open();
    for (const filter of [`name eq 'Contoso'`, 'statecode eq 0', `contains(name,'a')`]) {
      expect((await api.get(`accounts?$filter=${encodeURIComponent(filter)}`)).status).toBe(501);
    }
  });
});
