import { describe, expect, it } from 'vitest';
import { differences } from '../support/oracle.ts';
import {
  addAudit,
  addAuditRow,
  attributeDetail,
  outcomes,
  RunningReader,
  untilOutcomes,
} from '../support/audited.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const DETAILS = `SELECT attribute, old_value AS old, new_value AS new, old_entitytype AS "oldTable", new_entitytype AS "newTable"
  FROM dataverse._audit_details ORDER BY attribute COLLATE "C"`;
const PERSON = '11111111-2222-4333-8444-555555555555';

async function opened(): Promise<SyncBench> {
  const bench = await SyncBench.open();
  addAudit(bench);
  return bench;
}

async function pass(bench: SyncBench, options: SyncOptions = {}): Promise<void> {
  expect(failures(await bench.sync(['audit'], options))).toEqual({});
}

const detailRequests = ({ emulator }: SyncBench): number => emulator.requests.count({ kind: 'audit-detail' });

describe('the mirror of audit', () => {
  it('the mirror of audit equals it, without a version and with a lookup to every table, follows it, and is verified by its values', async () => {
    await using bench = await opened();
    const { store } = bench.emulator;
    for (let row = 0; row < 30; row++) addAuditRow(bench, { table: 'account', object: PERSON });
    await pass(bench, { pageSize: 10 });
    addAuditRow(bench, { table: 'contact' });
    await pass(bench);
    expect(await differences(store, bench.database, 'audit')).toEqual([]);
    await using session = await bench.session(['audit']);
    await session.sync();
    expect(await session.verify('audit', 'sweep')).toMatchObject({
      method: 'values',
      rows: 31,
      differences: 0,
    });
  });
});

describe('audit details', () => {
  it('audit details have each value as the environment wrote it, with the tables of lookups, and attributes that were deleted; those of another kind have each member as JSON', async () => {
    await using bench = await opened();
    const lookup = 'Microsoft.Dynamics.CRM.lookuplogicalname';
    const detail = attributeDetail(
      `"@odata.type":"#Microsoft.Dynamics.CRM.account","name":"A \\u0000 \\"B\\"","revenue":20000.0000,"_ownerid_value@${lookup}":"team","_ownerid_value":"${PERSON}"`,
      `"revenue":12345678901234567890.1230,"donotemail":true,"description":null,"_ownerid_value@${lookup}":"systemuser","_ownerid_value":"${PERSON}"`,
    ).replace('"Values":[]', '"Values":["new_gone"]');
    addAuditRow(bench, { table: 'account', detail });
    addAuditRow(bench, { table: 'contact', detail });
    const shared =
      '{"@odata.type":"#Microsoft.Dynamics.CRM.ShareAuditDetail","AuditRecord":{"auditid":"x"},"NewPrivileges":"ReadAccess","Principal":{"ownerid":"p","n":1.50}}';
    addAuditRow(bench, { table: 'account', detail: shared });
    await pass(bench);
    await using reader = new RunningReader(bench);
    await untilOutcomes(bench, { stored: 2 });
    const none = { oldTable: null, newTable: null };
    expect(await bench.database.query(DETAILS)).toEqual([
      { attribute: 'NewPrivileges', old: null, new: 'ReadAccess', ...none },
      { attribute: 'Principal', old: null, new: '{"ownerid":"p","n":1.50}', ...none },
      { attribute: 'description', old: null, new: null, ...none },
      { attribute: 'donotemail', old: null, new: 'true', ...none },
      { attribute: 'name', old: 'A \uFFFD "B"', new: null, ...none },
      { attribute: 'new_gone', old: null, new: null, ...none },
      { attribute: 'ownerid', old: PERSON, new: PERSON, oldTable: 'team', newTable: 'systemuser' },
      { attribute: 'revenue', old: '20000.0000', new: '12345678901234567890.1230', ...none },
    ]);
    expect(reader).toBeDefined();
  });

  it('audit details are read once, one request a row, by one of two processes, and of rows that come later too', async () => {
    await using bench = await opened();
    const detail = attributeDetail('', '"name":"x"');
    for (let row = 0; row < 25; row++) addAuditRow(bench, { table: 'account', detail });
    await pass(bench);
    await using first = new RunningReader(bench, { holder: 'first' });
    await using second = new RunningReader(bench, { holder: 'second' });
    await untilOutcomes(bench, { stored: 25 });
    addAuditRow(bench, { table: 'account', detail });
    await pass(bench);
    await untilOutcomes(bench, { stored: 26 });
    expect(detailRequests(bench)).toBe(26);
    expect([first, second]).toHaveLength(2);
  });

  it('audit details keep to their share of the limits, and go on after a stop in the middle, with another process, and read none twice', async () => {
    await using bench = await opened();
    for (let row = 0; row < 40; row++) addAuditRow(bench, { table: 'account' });
    await pass(bench);
    // A request every 100 ms.
    const slow = { requestsPer5Minutes: 60_000, share: 0.05 };
    {
      const begun = performance.now();
      await using reader = new RunningReader(bench, { ...slow, holder: 'first' });
      await expect.poll(() => detailRequests(bench), { timeout: 5_000 }).toBeGreaterThan(5);
      expect(detailRequests(bench)).toBeLessThanOrEqual(1 + (performance.now() - begun) / 100);
      expect(reader).toBeDefined();
    }
    const before = await outcomes(bench);
    expect(before['stored']).toBeLessThan(40);
    await using reader = new RunningReader(bench, { holder: 'second' });
    await untilOutcomes(bench, { stored: 40 });
    // The request that the stop cut off is made once more at most.
    expect(detailRequests(bench)).toBeLessThanOrEqual(41);
    expect(reader).toBeDefined();
  });

  it('audit details that are gone or refused are on record, and the others go on', async () => {
    await using bench = await opened();
    const [gone, refused] = [
      addAuditRow(bench, { table: 'account' }),
      addAuditRow(bench, { table: 'account' }),
    ];
    for (let row = 0; row < 5; row++) addAuditRow(bench, { table: 'account' });
    await pass(bench);
    bench.emulator.store.remove('audit', gone);
    bench.emulator.faults.add({
      match: { path: refused },
      do: { status: 403, code: '0x80040220', message: 'No.' },
    });
    await using reader = new RunningReader(bench);
    await untilOutcomes(bench, { gone: 1, refused: 1, stored: 5 });
    expect(
      await bench.database.query(
        `SELECT auditid::text AS id, error_code FROM mirrorverse.audit_reads WHERE outcome = 'refused'`,
      ),
    ).toEqual([{ id: refused, error_code: '0x80040220' }]);
    expect(reader).toBeDefined();
  });

  it('audit details stop asking after twenty refusals in a row, because the privilege is missing', async () => {
    await using bench = await opened();
    for (let row = 0; row < 60; row++) addAuditRow(bench, { table: 'account' });
    await pass(bench);
    bench.emulator.settings.deniedPrivileges.add('prvReadRecordAuditHistory');
    {
      await using reader = new RunningReader(bench);
      await untilOutcomes(bench, { refused: 20 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(detailRequests(bench)).toBe(20);
      expect(reader).toBeDefined();
    }
    bench.emulator.settings.deniedPrivileges.clear();
    await bench.database.query(`UPDATE mirrorverse.audit_reads SET read_at = now() - interval '25 hours'`);
    await using reader = new RunningReader(bench);
    await untilOutcomes(bench, { stored: 60 });
    expect(reader).toBeDefined();
  });

  for (const softDeletes of [false, true]) {
    it(`audit details of rows that the environment deletes ${softDeletes ? 'stay with their marked rows' : 'go with their rows'}`, async () => {
      await using bench = await opened();
      const detail = attributeDetail('', '"name":"x"');
      const old = addAuditRow(bench, { table: 'account', detail });
      addAuditRow(bench, { table: 'account', detail });
      await pass(bench, { softDeletes });
      await using reader = new RunningReader(bench);
      await untilOutcomes(bench, { stored: 2 });
      bench.emulator.store.remove('audit', old);
      addAuditRow(bench, { table: 'account', detail });
      await pass(bench, { softDeletes });
      await untilOutcomes(bench, { stored: softDeletes ? 3 : 2 });
      const [left] = await bench.database.query('SELECT count(*)::int AS rows FROM dataverse._audit_details');
      expect(left).toEqual({ rows: softDeletes ? 3 : 2 });
      expect(reader).toBeDefined();
    });
  }

  it('audit details lack attributes that the table leaves out or hashes, also those that were stored before', async () => {
    await using bench = await opened();
    addAuditRow(bench, {
      table: 'account',
      detail: attributeDetail('"fax":"1","name":"x"', '"fax":"2","name":"y"'),
    });
    await pass(bench);
    const kept = async (): Promise<unknown> =>
      (await bench.database.query('SELECT attribute FROM dataverse._audit_details ORDER BY 1')).map(
        ({ attribute }) => attribute,
      );
    {
      await using reader = new RunningReader(bench);
      await untilOutcomes(bench, { stored: 1 });
      expect(await kept()).toEqual(['fax', 'name']);
      expect(reader).toBeDefined();
    }
    addAuditRow(bench, { table: 'account', detail: attributeDetail('', '"telephone1":"3","name":"z"') });
    await pass(bench);
    const account = { include: ['*'], exclude: ['fax'], hash: ['telephone*'] };
    await using reader = new RunningReader(bench, { columns: { account } });
    await untilOutcomes(bench, { stored: 2 });
    expect(await kept()).toEqual(['name', 'name']);
    expect(reader).toBeDefined();
  });
});
