import { describe, expect, it } from 'vitest';
import { EmulatedApi } from '../support/emulated-api.ts';

describe('an intersect table', () => {
  it('an intersect table that is not tracked itself can be read by change tracking when both its ends are tracked', async () => {
    await using api = await EmulatedApi.open();
    const { store } = api.emulator;
    for (const table of ['systemuser', 'team', 'teammembership']) store.seed(table, 3);
    expect(store.tables.get('teammembership')?.changeTrackingEnabled).toBe(false);
    const baseline = await api.get('teammemberships', 'odata.track-changes');
    expect(baseline.rows).toHaveLength(3);
    const [gone] = store.truth('teammembership').keys();
    store.remove('teammembership', gone ?? '');
    const delta = await api.get(String(baseline.json['@odata.deltaLink']));
    expect(delta.rows.map((row) => [row['id'], row['reason']])).toEqual([[gone, 'deleted']]);
  });

  it('an intersect table cannot be read by change tracking when one of its ends is not tracked', async () => {
    await using api = await EmulatedApi.open();
    api.emulator.store.redefineTable('team', { changeTrackingEnabled: false });
    const answer = await api.get('teammemberships', 'odata.track-changes');
    expect([answer.status, answer.error.code]).toEqual([400, '0x80072492']);
    expect(answer.error.message).toContain('both related entities are not enabled for change tracking');
  });

  it('an intersect table is listed with its ends by the N:N relationships', async () => {
    await using api = await EmulatedApi.open();
    const cast = 'RelationshipDefinitions/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata';
    const select = 'SchemaName,IntersectEntityName,Entity1LogicalName,Entity2LogicalName';
    const all = await api.get(`${cast}?$select=${select}`);
    expect(all.json['@odata.context']).toBe(`${api.root}/$metadata#${cast}(${select})`);
    expect(all.rows).toEqual([
      expect.objectContaining({
        SchemaName: 'teammembership_association',
        IntersectEntityName: 'teammembership',
        Entity1LogicalName: 'systemuser',
        Entity2LogicalName: 'team',
      }),
    ]);
    expect((await api.get(`${cast}?$filter=Entity1LogicalName eq 'account'`)).rows).toEqual([]);
    const expanded = await api.get(
      `EntityDefinitions(LogicalName='team')?$select=LogicalName&$expand=ManyToManyRelationships($select=SchemaName)`,
    );
    expect(expanded.json['ManyToManyRelationships']).toHaveLength(1);
    expect(api.emulator.requests.count({ kind: 'relationships' })).toBe(2);
  });
});
