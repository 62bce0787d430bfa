import { describe, expect, it } from 'vitest';
import { dateTime, integer, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { primaryId, versionNumber } from '../../src/emulator/table-parts/standard-columns.ts';
import { defineTable } from '../../src/emulator/table-parts/built-in-table.ts';
import { EmulatedApi } from '../support/emulated-api.ts';

const ORGANIZATION = defineTable({
  schemaName: 'Organization',
  entitySetName: 'organizations',
  objectTypeCode: 1019,
  ownershipType: 'None',
  displayName: ['Organization', 'Organisation'],
  displayCollectionName: ['Organizations', 'Organisationen'],
  columns: [
    primaryId('OrganizationId', ['Organization', 'Organisation']),
    text('Name', ['Name', 'Name'], 160, { isPrimaryName: true }),
    integer('ExpireChangeTrackingInDays', ['Change Tracking Days', 'Tage']),
    integer('LanguageCode', ['Language', 'Sprache']),
    dateTime('CreatedOn', ['Created On', 'Erstellt am']),
    versionNumber(),
  ],
});

const READ = 'organizations?$select=name,expirechangetrackingindays,languagecode';

describe('the organization', () => {
  for (const model of ['without', 'with']) {
    it(`the organization has its retention and its language ${model} a table of its own`, async () => {
      await using api = await EmulatedApi.open();
      const { store, settings, requests } = api.emulator;
      if (model === 'with') store.addTable(ORGANIZATION);
      settings.expireChangeTrackingInDays = 30;
      const list = await api.get(READ);
      expect(list.rows).toEqual([
        expect.objectContaining({
          organizationid: store.organizationId,
          name: 'emulated',
          expirechangetrackingindays: 30,
          languagecode: 1033,
        }),
      ]);
      settings.expireChangeTrackingInDays = 3;
      const row = await api.get(`organizations(${store.organizationId})?$select=expirechangetrackingindays`);
      expect(row.json['expirechangetrackingindays']).toBe(3);
      expect((await api.get('organizations?$select=nosuch')).error.code).toBe('0x80060888');
      expect(requests.count({ kind: 'organization' })).toBe(3);
    });
  }

  it('the organization with a table of its own is read by change tracking like any other table', async () => {
    await using api = await EmulatedApi.open();
    const { store, settings, requests } = api.emulator;
    store.addTable(ORGANIZATION);
    const baseline = await api.get(READ, 'odata.track-changes');
    settings.expireChangeTrackingInDays = 30;
    const delta = await api.get(String(baseline.json['@odata.deltaLink']));
    expect([baseline.rows.length, delta.rows]).toEqual([1, []]);
    expect(store.truth('organization').get(store.organizationId)?.get('expirechangetrackingindays')).toBe(
      '30',
    );
    expect(requests.entries.map((entry) => entry.kind)).toEqual(['baseline', 'delta']);
  });

  it('the organization names its languages', async () => {
    await using api = await EmulatedApi.open();
    const answer = await api.get('RetrieveProvisionedLanguages()');
    expect(answer.json).toEqual({
      '@odata.context': `${api.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveProvisionedLanguagesResponse`,
      RetrieveProvisionedLanguages: [1033, 1031],
    });
  });
});
