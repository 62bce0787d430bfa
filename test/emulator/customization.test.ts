import { describe, expect, it } from 'vitest';
import { EmulatedApi, type Answer } from '../support/emulated-api.ts';

const TABLE = `EntityDefinitions(LogicalName='new_untracked')`;
const HEADERS = { 'mscrm.mergelabels': 'true', consistency: 'Strong' };

async function put(api: EmulatedApi, address: string, changes: Record<string, unknown>): Promise<Answer> {
  const definition = await api.get(address, undefined, { consistency: 'Strong' });
  return api.send('PUT', address, { ...definition.json, ...changes }, HEADERS);
}

async function publish(api: EmulatedApi, table: string): Promise<Answer> {
  const xml = `<importexportxml><entities><entity>${table}</entity></entities></importexportxml>`;
  return api.send('POST', 'PublishXml', { ParameterXml: xml });
}

describe('change tracking', () => {
  it('change tracking is switched on by a PUT of the whole definition, once that is published', async () => {
    await using api = await EmulatedApi.open();
    const { store, requests } = api.emulator;
    store.seed('new_untracked', 3);
    const read = async (): Promise<Answer> =>
      api.get('new_untrackedes?$select=new_name', 'odata.track-changes');
    expect((await read()).error.code).toBe('0x80072491');
    const before = store.metadataVersion;
    const answer = await put(api, TABLE, { ChangeTrackingEnabled: true });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await read()).error.code).toBe('0x80072491');
    expect((await publish(api, 'new_untracked')).status).toBe(204);
    expect((await read()).json).toHaveProperty(['@odata.deltaLink']);
    expect((await api.get(`${TABLE}?$select=ChangeTrackingEnabled`)).json['ChangeTrackingEnabled']).toBe(
      true,
    );
    expect(store.metadataVersion).toBeGreaterThan(before);
    const [written] = requests.find({ method: 'PUT' });
    expect(written).toMatchObject({ kind: 'metadata', table: 'new_untracked', status: 204 });
    expect(written?.headers).toMatchObject(HEADERS);
    expect(requests.find({ method: 'POST' }).map((entry) => entry.kind)).toEqual(['publish']);
  });

  it('change tracking is switched on for a table given by its metadata id, and by PublishAllXml', async () => {
    await using api = await EmulatedApi.open();
    const id = api.emulator.store.tables.get('new_untracked')?.metadataId;
    expect((await put(api, `EntityDefinitions(${id})`, { ChangeTrackingEnabled: true })).status).toBe(204);
    expect(api.emulator.requests.find({ method: 'PUT' })[0]?.table).toBe('new_untracked');
    expect((await api.send('POST', 'PublishAllXml')).status).toBe(204);
    expect(api.emulator.store.tables.get('new_untracked')?.changeTrackingEnabled).toBe(true);
  });

  it('change tracking cannot be switched on where the managed property forbids it, nor off again', async () => {
    await using api = await EmulatedApi.open();
    const forbidden = await put(api, `EntityDefinitions(LogicalName='aaduser')`, {
      ChangeTrackingEnabled: true,
    });
    expect([forbidden.status, forbidden.error.code]).toEqual([400, '0x8004f026']);
    const off = await put(api, `EntityDefinitions(LogicalName='account')`, { ChangeTrackingEnabled: false });
    expect(off.status).toBe(400);
    await publish(api, 'account');
    expect(api.emulator.store.tables.get('account')?.changeTrackingEnabled).toBe(true);
  });

  it('change tracking is not switched on by a part of a definition, by a PATCH, or along with another change', async () => {
    await using api = await EmulatedApi.open();
    const part = { LogicalName: 'new_untracked', ChangeTrackingEnabled: true };
    expect((await api.send('PUT', TABLE, part, HEADERS)).status).toBe(501);
    expect((await api.send('PATCH', TABLE, part, HEADERS)).status).toBe(405);
    expect((await put(api, TABLE, { ChangeTrackingEnabled: true, IsActivity: true })).status).toBe(501);
    await api.send('POST', 'PublishAllXml');
    expect(api.emulator.store.tables.get('new_untracked')?.changeTrackingEnabled).toBe(false);
  });

  it('change tracking is switched on and published only with the privilege to customize', async () => {
    await using api = await EmulatedApi.open();
    api.emulator.settings.mayCustomize = false;
    const denied = await put(api, TABLE, { ChangeTrackingEnabled: true });
    expect([denied.status, denied.error.code]).toEqual([403, '0x80040220']);
    expect(denied.error.message).toContain('prvWriteEntity');
    expect((await publish(api, 'new_untracked')).error.message).toContain('prvPublishCustomization');
  });

  it('change tracking of an unknown table is neither switched on nor published', async () => {
    await using api = await EmulatedApi.open();
    const unknown = await api.send('PUT', `EntityDefinitions(LogicalName='nosuch')`, {}, HEADERS);
    expect(unknown.status).toBe(404);
    expect((await publish(api, 'nosuch')).status).toBe(404);
    expect((await api.send('POST', 'PublishXml', {})).status).toBe(400);
  });
});
