import { z } from 'zod';
import { readAuditDetail } from '../../dataverse/audit/audit-detail.ts';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { Failure } from '../../model/failure.ts';
import type { TableEntry } from '../../sync/tables/table-resolution.ts';
import { bad, failed, good, type Finding } from './finding.ts';

const ID = 'audit.details';
const SUBJECT = 'audit.details';
const rows = z.object({ value: z.array(z.object({ auditid: z.guid() })) });

/**
 * Tries to read the detail of one audit row, and finds chosen tables that the environment does not have.
 *
 * @param details the tables whose audit rows are to have details.
 */
export async function checkAudit(
  { client, metadata }: Dataverse,
  details: readonly string[],
  tables: readonly TableEntry[],
  signal: AbortSignal,
): Promise<Finding[]> {
  if (!tables.some(({ name }) => name === 'audit')) {
    const message = 'the table audit is not mirrored, so no audit row has a detail';
    return [bad(ID, SUBJECT, message, 'Add audit to tables.')];
  }
  try {
    const known = new Set((await metadata.tables(signal)).map(({ LogicalName }) => LogicalName));
    const unknown = details.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      const message = `the environment has no table ${unknown.join(', ')}`;
      return [bad(ID, SUBJECT, message, 'Correct audit.details. It takes logical names of tables.')];
    }
    const request = { url: 'audits?$select=auditid&$top=1', priority: 'metadata' as const, table: 'audit' };
    const { value } = rows.parse(await client.getJson(request, signal));
    const [row] = value;
    if (row === undefined) return [good(ID, SUBJECT, 'there is no audit row yet to try a detail of')];
    const { kind } = await readAuditDetail(client, row.auditid, signal, 'metadata');
    return [good(ID, SUBJECT, `readable: the detail of an audit row came (${kind})`)];
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure) || error.details['status'] !== 403) return [failed(ID, SUBJECT, error)];
    const message = 'the signed-in identity may not read the details of audit rows';
    const remedy =
      'Give the security role of the application user the privileges prvReadRecordAuditHistory ("View Audit History") and prvReadAuditSummary ("View Audit Summary").';
    return [bad(ID, SUBJECT, message, remedy, 'privilege-missing')];
  }
}
