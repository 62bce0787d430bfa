import { auditDetail } from '../audit/audit-details.ts';
import { csdlDocument } from '../metadata/csdl-writer.ts';
import {
  badRequest,
  DataverseError,
  notEmulated,
  unknownSegment,
  missingPrivilege,
} from './dataverse-error.ts';
import { fetchPage } from '../fetchxml/fetch-page.ts';
import { entityDefinitions } from '../metadata/entity-definitions.ts';
import { olderMetadata, refuseNewerVersion } from '../metadata/older-metadata.ts';
import { metadataChanges } from '../metadata/changes/metadata-changes-function.ts';
import { withMetadataVersion } from '../organization/metadata-version.ts';
import { keepOrganizationRow, ORGANIZATION, organizations } from '../organization/organizations.ts';
import { parseCookie, type KeyPosition, type TrackingPosition } from '../rows/paging-cookie.ts';
import { plainPage } from '../rows/plain-page.ts';
import { provisionedLanguages, totalRecordCount, whoAmI } from '../organization/web-api-functions.ts';
import { publishXml, updateTableDefinition } from '../organization/customization.ts';
import { refuseUnsupportedOptions } from './query-options.ts';
import { relationshipDefinitions } from '../metadata/relationship-definitions.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from './web-api.ts';
import { rowFilter } from '../rows/row-filter.ts';
import { rowBody } from '../rows/row-body.ts';
import { singleRow } from '../rows/single-row.ts';
import { isWebhookSet, webhookReply } from '../webhooks/webhook-requests.ts';
import { keyPredicate } from './api-request.ts';
import type { TableData } from '../store/table-data.ts';
import { changeCount, trackedPage } from '../rows/tracked-page.ts';

/** Answers one call of the Web API. @throws DataverseError */
export async function answer(api: WebApi, call: ApiCall): Promise<Reply> {
  const { request } = call;
  refuseNewerVersion(api, call);
  const { entitySet } = request;
  if (isWebhookSet(entitySet) && api.store.bySet(entitySet) === undefined && request.kind !== 'count') {
    refuseUnsupportedOptions(call.options);
    return webhookReply(api, call, entitySet);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    if (request.resource === '$batch') throw notEmulated('$batch');
    if (request.method === 'PUT' && request.kind === 'metadata') return updateTableDefinition(api, call);
    if (request.method === 'POST' && request.kind === 'publish') return publishXml(api, call);
    throw new DataverseError(
      405,
      '0x80060888',
      `The requested resource does not support http method '${request.method}'.`,
    );
  }
  refuseUnsupportedOptions(call.options);
  switch (request.kind) {
    case 'service-document':
      return serviceDocument(api, call);
    case 'csdl':
      return csdl(api, call);
    case 'whoami':
      return whoAmI(api, call);
    case 'organization':
      return organization(api, call);
    case 'languages':
      return provisionedLanguages(call);
    case 'audit-detail':
      return auditDetail(api, call);
    case 'record-count':
      return totalRecordCount(api, call);
    case 'metadata':
      return olderMetadata(api, call, () => withMetadataVersion(api, call, entityDefinitions(api, call)));
    case 'metadata-changes':
      return metadataChanges(api, call);
    case 'relationships':
      return withMetadataVersion(api, call, relationshipDefinitions(api, call));
    case 'baseline':
    case 'delta':
    case 'next':
    case 'list':
      return page(api, call, readable(api, call));
    case 'count':
      return count(api, call, readable(api, call));
    case 'row':
      return singleRow(api, call, readable(api, call), keyPredicate(request.resource ?? '') ?? '');
    case 'body':
      return rowBody(api, call, readable(api, call));
    case 'publish':
    case 'token':
    case 'openid':
    case 'other':
      throw unknownSegment(request.resource ?? request.path);
  }
}

/** If the model has the table, its row is read like other rows. */
async function organization(api: WebApi, call: ApiCall): Promise<Reply> {
  if (!api.store.has(ORGANIZATION)) return organizations(api, call);
  const data = readable(api, call);
  const predicate = keyPredicate(call.request.resource ?? '');
  return predicate === undefined ? plainPage(api, call, data, null) : singleRow(api, call, data, predicate);
}

function csdl(api: WebApi, call: ApiCall): Reply {
  const annotated =
    call.options.get('annotations') === 'true' || call.request.preferences.annotations === '*';
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: api.csdl ?? csdlDocument(api.store, annotated),
  };
}

async function page(api: WebApi, call: ApiCall, data: TableData): Promise<Reply> {
  if (call.options.has('fetchXml')) return fetchPage(api, call, data);
  const skip = call.options.get('$skiptoken');
  if (skip === undefined) {
    const tracked = call.request.kind !== 'list';
    return tracked ? trackedPage(api, call, data, null) : plainPage(api, call, data, null);
  }
  const position = parseCookie(skip);
  if (position === undefined) {
    throw new DataverseError(400, '0x80041129', 'Malformed XML in the Paging Cookie');
  }
  return isTracking(position) ? trackedPage(api, call, data, position) : plainPage(api, call, data, position);
}

function isTracking(position: TrackingPosition | KeyPosition): position is TrackingPosition {
  return 'max' in position;
}

function count(api: WebApi, call: ApiCall, data: TableData): Reply {
  const token = call.options.get('$deltatoken');
  const fits = rowFilter(call.options, data.definition);
  // An ordinary count is 5,000 at most.
  const number =
    token === undefined
      ? Math.min([...data.rows.values()].filter(fits).length, 5000)
      : changeCount(api, data, token);
  return { ...jsonReply(String(number)), headers: { 'Content-Type': 'text/plain' } };
}

/** The table behind an entity set, if the caller may read it. */
function readable(api: WebApi, call: ApiCall): TableData {
  const set = call.request.entitySet ?? '';
  const data = api.store.bySet(set);
  if (data === undefined) throw unknownSegment(set);
  const { definition } = data;
  const { deniedTables, deniedPrivileges, userId } = api.settings;
  const privilege =
    definition.logicalName === 'audit' ? 'prvReadAuditSummary' : `prvRead${definition.schemaName}`;
  if (deniedTables.has(definition.logicalName) || deniedPrivileges.has(privilege)) {
    throw missingPrivilege(userId, privilege, definition);
  }
  if (definition.logicalName === ORGANIZATION) keepOrganizationRow(api, data);
  return data;
}

/** The longest address the Web API takes, in characters. Source: Microsoft, "Query data using the Web API". */
export const LONGEST_URL = 32_768;

/**
 * Refuses an absolute address that is too long. The documentation does not give the words of a live organization. A
 * front end may answer 404 or 414 instead; tests make these answers with faults.
 */
export function refuseLongUrl(url: string): void {
  if (url.length > LONGEST_URL) throw badRequest('The request URL is too long.');
}

/** Serves the list of entity sets. */
export function serviceDocument(api: WebApi, call: ApiCall): Reply {
  const sets = [...api.store.tables.values()].map((table) => table.entitySetName);
  return jsonReply(
    JSON.stringify({
      '@odata.context': `${call.root}/$metadata`,
      value: sets.map((name) => ({ name, kind: 'EntitySet', url: name })),
    }),
  );
}
