import { expect, test } from 'vitest';
import { audit } from '../../src/emulator/audit/audit-table.ts';
import { openBench } from '../support/bench.ts';
import { attributeDetail } from '../support/audited.ts';
import { eventually } from '../support/command-line.ts';

const FILE =
  'labels: false\nschedule: "* * * * * *"\ntables: [account, audit]\naudit: { details: [account], share: 50% }\n';

test('the daemon reads details of audit rows, erase removes those of a row and keeps them away, and forget drops them', async () => {
  await using bench = await openBench([], { MIRRORVERSE_TABLES: '' });
  const { cli, emulator, database } = bench;
  const { store, settings } = emulator;
  store.addTable(audit);
  await cli.file('mirrorverse.yaml', FILE);
  const [person = '', other = ''] = store.seed('account', 2);
  const about = (objectid: string): string => {
    const id = store.insert('audit', { objecttypecode: 'account', objectid });
    settings.auditDetails.set(id, attributeDetail('', '"name":"x"'));
    return id;
  };
  const [first, , last] = [about(person), about(person), about(other)];
  const daemon = cli.start(['run']);
  const details = async (): Promise<unknown> => {
    const [found] = await database.query(
      `SELECT to_regclass('dataverse._audit_details') IS NOT NULL AS there`,
    );
    if (found?.['there'] !== true) return [];
    return (await database.query('SELECT auditid::text AS id FROM dataverse._audit_details')).map(
      ({ id }) => id,
    );
  };
  await eventually(async () => ((await details()) as unknown[]).length === 3);
  const erased = await cli.json(['erase', 'account', person]);
  expect(erased).toMatchObject({ status: 0, document: { removed: { auditDetails: 2 } } });
  expect(await details()).toEqual([last]);
  // The next look compares anew, and leaves the erased rows alone.
  about(other);
  await eventually(async () => ((await details()) as unknown[]).length === 2);
  expect(
    emulator.requests.find({ kind: 'audit-detail' }).filter(({ url }) => url.includes(first)),
  ).toHaveLength(1);
  expect((await daemon.stop('SIGTERM')).status).toBe(0);

  await cli.file('mirrorverse.yaml', 'labels: false\ntables: [account]\n');
  expect((await cli.run(['forget', 'audit', '--drop'])).status).toBe(0);
  expect(await details()).toEqual([]);
  expect(await database.query('SELECT FROM mirrorverse.audit_reads')).toEqual([]);
});

test('check names the privileges that auditing needs, and the tables that audit.details does not know', async () => {
  await using bench = await openBench([], { MIRRORVERSE_TABLES: '' });
  const { cli, emulator } = bench;
  emulator.store.addTable(audit);
  emulator.store.insert('audit', { objecttypecode: 'account' });
  await cli.file('mirrorverse.yaml', FILE);
  const findings = async (): Promise<
    Record<string, { ok: boolean; message: string; remedy: string | null }>
  > => {
    const { document } = await cli.json(['check']);
    const found = (
      document as { findings: { id: string; ok: boolean; message: string; remedy: string | null }[] }
    ).findings;
    return Object.fromEntries(found.map((finding) => [finding.id, finding]));
  };
  expect((await findings())['audit.details']).toMatchObject({ ok: true });
  emulator.settings.deniedPrivileges.add('prvReadRecordAuditHistory');
  const history = await findings();
  expect(history['table.audit']).toMatchObject({ ok: true });
  expect(history['audit.details']?.remedy).toContain('prvReadRecordAuditHistory');
  emulator.settings.deniedPrivileges.add('prvReadAuditSummary');
  expect((await findings())['table.audit']?.remedy).toContain('prvReadAuditSummary');

  await cli.file('mirrorverse.yaml', FILE.replace('[account]', '[acount]'));
  expect((await findings())['audit.details']).toMatchObject({ ok: false });
  await cli.file('mirrorverse.yaml', FILE.replace(', audit]', ']'));
  const wrong = await cli.run(['check']);
  expect(wrong).toMatchObject({ status: 2 });
  expect(wrong.stderr).toContain('audit.details: needs the table audit among tables');
});
