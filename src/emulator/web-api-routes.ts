import { csdlDocument } from './csdl.ts';
import { badRequest, DataverseError, notEmulated, unknownSegment } from './dataverse-error.ts';
import { entityDefinitions } from './entity-definitions.ts';
import { organizations } from './organizations.ts';
import { parseCookie, type KeyPosition, type TrackingPosition } from './paging-cookie.ts';
import { plainPage } from './plain-page.ts';
import { refuseUnsupportedOptions } from './query-options.ts';
import { jsonReply, type Reply } from './reply.ts';
import { serviceDocument } from './service-document.ts';
import { singleRow } from './single-row.ts';
import { rowKey } from './api-request.ts';
import type { TableData } from './table-data.ts';
import { changeCount, trackedPage } from './tracked-page.ts';
import { totalRecordCount } from './total-record-count.ts';
import type { ApiCall, WebApi } from './web-api.ts';
import { whoAmI } from './who-am-i.ts';

/** Answers one call of the Web API, or throws the error it ends with. */
export async function answer(api: WebApi, call: ApiCall): Promise<Reply> {
  const { request } = call;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    if (request.resource === '$batch') throw notEmulated('$batch');
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
      return organizations(api, call);
    case 'record-count':
      return totalRecordCount(api, call);
    case 'metadata':
      return entityDefinitions(api, call);
    case 'baseline':
    case 'delta':
    case 'next':
    case 'list':
      return page(api, call, readable(api, call));
    case 'count':
      return count(api, call, readable(api, call));
    case 'row':
      return singleRow(api, call, readable(api, call), rowKey(request.resource ?? '') ?? '');
    case 'token':
    case 'openid':
    case 'other':
      throw unknownSegment(request.resource ?? request.path);
  }
}

function csdl(api: WebApi, call: ApiCall): Reply {
  const annotated =
    call.options.get('annotations') === 'true' || call.request.preferences.annotations === '*';
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: csdlDocument(api.store, annotated),
  };
}

async function page(api: WebApi, call: ApiCall, data: TableData): Promise<Reply> {
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
  // An ordinary count stops at 5,000, whatever the table holds.
  const number = token === undefined ? Math.min(data.rows.size, 5000) : changeCount(api, data, token);
  return { ...jsonReply(String(number)), headers: { 'Content-Type': 'text/plain' } };
}

/** The table behind an entity set, if the caller may read it. */
function readable(api: WebApi, call: ApiCall): TableData {
  const set = call.request.entitySet ?? '';
  const data = api.store.bySet(set);
  if (data === undefined) throw unknownSegment(set);
  const { definition } = data;
  if (!api.settings.deniedTables.has(definition.logicalName)) return data;
  throw new DataverseError(
    403,
    '0x80040220',
    `Principal user (Id=${api.settings.userId}, type=8, roleCount=1, privilegeCount=42, accessMode='4 Non-interactive', AADObjectId=${api.settings.userId}) ` +
      `is missing prvRead${definition.schemaName} privilege (Id=886b280c-6396-4d56-a0a3-2c1b0a50ceb0) on OTC=${definition.objectTypeCode} for entity '${definition.logicalName}'.`,
  );
}

/** The longest address the Web API takes. */
export const LONGEST_URL = 32_768;

export function refuseLongUrl(url: string): void {
  if (url.length > LONGEST_URL) throw badRequest('The request URL is too long.');
}
