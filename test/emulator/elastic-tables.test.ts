import { describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { EmulatedApi } from '../support/emulated-api.ts';

const ID = '5b1f9a2e-0c1d-4e3f-8a4b-1c2d3e4f5a6b';

async function open(): Promise<EmulatedApi> {
  const api = await EmulatedApi.open();
  api.emulator.store.addTable(telemetry);
  return api;
}

describe('an elastic table', () => {
  it('an elastic table holds one id in several partitions, each read by both documented forms of its key', async () => {
    await using api = await open();
    const { store } = api.emulator;
    for (const partitionid of ['device-1', "it's (2)", null]) {
      store.insert('new_telemetry', { partitionid, new_name: `in ${partitionid}` }, ID);
    }
    const name = async (address: string): Promise<unknown> =>
      (await api.get(`new_telemetries${address}`)).json['new_name'];
    expect(await name(`(${ID})?partitionId='device-1'`)).toBe('in device-1');
    expect(await name(`(${ID})?$select=new_name&partitionId=device-1`)).toBe('in device-1');
    expect(await name(`(new_telemetryid=${ID},partitionid='device-1')`)).toBe('in device-1');
    const quoted = encodeURIComponent("it''s (2)");
    expect(await name(`(new_telemetryid=${ID},partitionid='${quoted}')`)).toBe("in it's (2)");
    expect(await name(`(${ID})`)).toBe('in null');
    expect(await name(`(${ID})?partitionId='${ID}'`)).toBe('in null');
    expect([...store.truth('new_telemetry').keys()]).toEqual([`${ID}/device-1`, `${ID}/it's (2)`, ID]);
    expect([...store.rows('new_telemetry')].map((row) => row.id)).toEqual([ID, ID, ID]);
    const absent = await api.get(`new_telemetries(${ID})?partitionId='device-9'`);
    expect([absent.status, absent.error.code]).toEqual([404, '0x80040217']);
    expect(() => store.insert('new_telemetry', { partitionid: 'device-1' }, ID)).toThrow('exists already');
  });

  it('an elastic table changes and deletes the row of one partition and leaves the others alone', async () => {
    await using api = await open();
    const { store } = api.emulator;
    for (const partitionid of ['a', 'b']) store.insert('new_telemetry', { partitionid }, ID);
    const baseline = await api.get(
      'new_telemetries?$select=new_name,partitionid,versionnumber',
      'odata.track-changes',
    );
    expect(baseline.rows).toHaveLength(2);
    store.update('new_telemetry', ID, { new_name: 'changed' }, 'a');
    store.remove('new_telemetry', ID, 'b');
    const delta = await api.get(String(baseline.json['@odata.deltaLink']));
    expect(delta.rows).toEqual([
      expect.objectContaining({ new_telemetryid: ID, partitionid: 'a', new_name: 'changed' }),
      { '@odata.context': `${api.root}/$metadata#new_telemetries/$deletedEntity`, id: ID, reason: 'deleted' },
    ]);
    expect(delta.rows[0]?.['@odata.etag']).toBe(`W/"${String(delta.rows[0]?.['versionnumber'])}"`);
    const left = await api.get(`new_telemetries?$select=partitionid&$filter=new_telemetryid eq ${ID}`);
    expect(left.rows.map((row) => row['partitionid'])).toEqual(['a']);
    expect(() => store.update('new_telemetry', ID, { partitionid: 'c' }, 'a')).toThrow('cannot be changed');
    store.restore('new_telemetry', ID, 'b');
    expect(store.truth('new_telemetry').size).toBe(2);
  });

  it('an elastic table has pages of at most 500 rows, whatever is asked', async () => {
    await using api = await open();
    api.emulator.store.seed('new_telemetry', 1100);
    for (const prefer of ['odata.track-changes', 'odata.track-changes,odata.maxpagesize=5000']) {
      const pages = await api.pages('new_telemetries?$select=new_name', prefer);
      expect(pages.map((page) => page.rows.length)).toEqual([500, 500, 100]);
    }
    const plain = await api.pages('new_telemetries?$orderby=new_telemetryid asc', 'odata.maxpagesize=1000');
    expect(plain.map((page) => page.rows.length)).toEqual([500, 500, 100]);
  });

  it('an elastic table loses none of the rows that share an id where a page ends between them', async () => {
    await using api = await open();
    const { store } = api.emulator;
    store.seed('new_telemetry', 10);
    const partitions = ['a', 'b"<&>', 'c', null, 'd', 'e'];
    for (const partitionid of partitions) store.insert('new_telemetry', { partitionid }, ID);
    for (const order of ['asc', 'desc']) {
      for (const size of [1, 2, 5]) {
        const path = `new_telemetries?$select=partitionid&$orderby=new_telemetryid ${order}`;
        const pages = await api.pages(path, `odata.maxpagesize=${size}`);
        const rows = pages.flatMap((page) => page.rows);
        expect(rows).toHaveLength(16);
        const found = rows.filter((row) => row['new_telemetryid'] === ID).map((row) => row['partitionid']);
        expect(new Set(found)).toEqual(new Set(partitions));
      }
    }
    const one = await api.get(`new_telemetries?$select=new_name&partitionId='c'`);
    expect(one.rows).toHaveLength(1);
    const tracked = await api.get(`new_telemetries?partitionId='c'`, 'odata.track-changes');
    expect(tracked.status).toBe(501);
  });

  it('an elastic table keeps its rows apart over a snapshot and a change of its columns', async () => {
    await using api = await open();
    const { store } = api.emulator;
    for (const partitionid of ['a', 'b']) store.insert('new_telemetry', { partitionid }, ID);
    const before = store.truth('new_telemetry');
    const snapshot = store.snapshot();
    store.remove('new_telemetry', ID, 'a');
    store.removeColumn('new_telemetry', 'new_payload');
    expect([...store.truth('new_telemetry').keys()]).toEqual([`${ID}/b`]);
    store.resetTo(snapshot);
    expect(store.truth('new_telemetry')).toEqual(before);
  });
});

describe('the key of a standard table', () => {
  it('the key of a standard table is an id, plain or named, and nothing else', async () => {
    await using api = await open();
    const id = api.emulator.store.insert('account', { name: 'Contoso' });
    expect((await api.get(`accounts(${id})`)).status).toBe(200);
    expect((await api.get(`accounts(accountid=${id})`)).status).toBe(200);
    for (const key of [`accountid=${id},partitionid='a'`, `name='Contoso'`, 'x', `accountid=${id},`, '']) {
      expect([key, (await api.get(`accounts(${key})`)).status]).toEqual([key, 400]);
    }
  });
});
