import { DataverseError, missingPrivilege, unknownSegment } from '../web-api/dataverse-error.ts';
import { jsonReply, type ApiCall, type Reply, type WebApi } from '../web-api/web-api.ts';

/** A request for the detail of an audit row, with its id. */
export const AUDIT_DETAIL =
  /^audits\(([0-9a-fA-F-]{36})\)\/Microsoft\.Dynamics\.CRM\.RetrieveAuditDetails(?:\(\))?$/;

/** The detail of an audit row about which the settings say nothing. */
const EMPTY =
  '{"@odata.type":"#Microsoft.Dynamics.CRM.AttributeAuditDetail","InvalidNewValueAttributes":[],"LocLabelLanguageCode":0,' +
  '"DeletedAttributes":{"Count":0,"Keys":[],"Values":[]},"OldValue":{},"NewValue":{}}';

/**
 * Serves RetrieveAuditDetails, a function bound to an audit row. Lookups have their annotations only if they were asked
 * for. Source: Microsoft, "Retrieve the history of audited data changes".
 */
export function auditDetail({ store, settings }: WebApi, call: ApiCall): Reply {
  const id = AUDIT_DETAIL.exec(call.request.resource ?? '')?.[1]?.toLowerCase() ?? '';
  const data = store.bySet('audits');
  if (data === undefined) throw unknownSegment('audits');
  const { definition } = data;
  for (const privilege of ['prvReadAuditSummary', 'prvReadRecordAuditHistory']) {
    if (settings.deniedPrivileges.has(privilege))
      throw missingPrivilege(settings.userId, privilege, definition);
  }
  if (!data.rows.has(id)) {
    throw new DataverseError(404, '0x80040217', `Entity 'Audit' With Id = ${id} Does Not Exist`);
  }
  const detail = settings.auditDetails.get(id) ?? EMPTY;
  const { annotations } = call.request.preferences;
  const told = annotations === null ? detail.replaceAll(/"[^"]+@Microsoft[^"]+":"[^"]*",/g, '') : detail;
  const context = `${call.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveAuditDetailsResponse`;
  return jsonReply(`{"@odata.context":${JSON.stringify(context)},"AuditDetail":${told}}`);
}
