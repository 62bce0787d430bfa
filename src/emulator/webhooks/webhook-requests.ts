import {
  DataverseError,
  missingPrivilege,
  notEmulated,
  unknownProperty,
} from '../web-api/dataverse-error.ts';
import { keyPredicate } from '../web-api/api-request.ts';
import { listOption } from '../web-api/query-options.ts';
import { jsonReply, type ApiCall, type Reply, type WebApi } from '../web-api/web-api.ts';
import { recordFilter } from './record-filter.ts';
import { writeEndpoint, writeStep } from './record-writes.ts';
import type { WebhookRecord, WebhookRecords, WebhookSet } from './webhook-records.ts';

interface RecordType {
  readonly type: string;
  readonly key: string;
  /** Properties that can be read, besides the key. */
  readonly readable: readonly string[];
  /** For the error of a caller without the privilege. */
  readonly objectTypeCode: number;
}

const TYPES: Readonly<Record<WebhookSet, RecordType>> = {
  serviceendpoints: {
    type: 'serviceendpoint',
    key: 'serviceendpointid',
    readable: [
      'name',
      'contract',
      'authtype',
      'messageformat',
      'url',
      'description',
      'isauthvalueset',
      'authvalue',
    ],
    objectTypeCode: 4618,
  },
  sdkmessages: { type: 'sdkmessage', key: 'sdkmessageid', readable: ['name'], objectTypeCode: 4606 },
  sdkmessagefilters: {
    type: 'sdkmessagefilter',
    key: 'sdkmessagefilterid',
    readable: ['primaryobjecttypecode', '_sdkmessageid_value', 'iscustomprocessingstepallowed'],
    objectTypeCode: 4607,
  },
  sdkmessageprocessingsteps: {
    type: 'sdkmessageprocessingstep',
    key: 'sdkmessageprocessingstepid',
    readable: [
      'name',
      'stage',
      'mode',
      'rank',
      'supporteddeployment',
      'asyncautodelete',
      'statecode',
      'description',
      '_sdkmessageid_value',
      '_sdkmessagefilterid_value',
      '_eventhandler_value',
    ],
    objectTypeCode: 4608,
  },
  asyncoperations: {
    type: 'asyncoperation',
    key: 'asyncoperationid',
    readable: [
      'name',
      'operationtype',
      'statecode',
      'statuscode',
      'message',
      'createdon',
      '_owningextensionid_value',
    ],
    objectTypeCode: 4700,
  },
};

/** Whether a request is about webhooks. If the model has a table of that name, its rows are served instead. */
export function isWebhookSet(set: string | null): set is WebhookSet {
  return set !== null && set in TYPES;
}

/** Answers requests to read and to change what says which webhooks there are. */
export function webhookReply(api: WebApi, call: ApiCall, set: WebhookSet): Reply {
  const { method, resource } = call.request;
  const predicate = keyPredicate(resource ?? '');
  const type = TYPES[set];
  if (method === 'GET')
    return predicate === undefined ? list(api, call, set) : one(api, call, set, predicate);
  const { settings, webhooks } = api;
  const isWritable = set === 'serviceendpoints' || set === 'sdkmessageprocessingsteps';
  if (!isWritable) throw notEmulated(`${method} of ${set}`);
  if (!settings.mayCustomize) {
    const { type: logicalName, objectTypeCode } = type;
    throw missingPrivilege(settings.userId, `prvWrite${logicalName}`, { logicalName, objectTypeCode });
  }
  const write = set === 'serviceendpoints' ? writeEndpoint : writeStep;
  if (method === 'POST' && predicate === undefined) {
    const id = write(api, call, null);
    return { status: 204, headers: { 'OData-EntityId': `${call.root}/${set}(${id})` }, body: '' };
  }
  const id = existing(webhooks, set, predicate);
  if (method === 'PATCH') write(api, call, id);
  else if (method === 'DELETE') remove(webhooks, set, id);
  else throw notEmulated(`${method} of ${set}`);
  return { status: 204, headers: {}, body: '' };
}

function list(api: WebApi, call: ApiCall, set: WebhookSet): Reply {
  const { type, key, readable } = TYPES[set];
  const properties = new Set([key, ...readable]);
  const fits = recordFilter(call.options.get('$filter')?.trim(), type, properties);
  const found = [...api.webhooks.of(set).values()].filter(fits);
  const top = Number(call.options.get('$top') ?? 5_000);
  const counted =
    call.options.get('$count') === 'true' ? { '@odata.count': Math.min(found.length, 5_000) } : {};
  const value = found.slice(0, top).map((record) => selected(call, set, record));
  const context = `${call.root}/$metadata#${set}`;
  return jsonReply(JSON.stringify({ '@odata.context': context, ...counted, value }));
}

function one(api: WebApi, call: ApiCall, set: WebhookSet, predicate: string): Reply {
  const record = api.webhooks.of(set).get(existing(api.webhooks, set, predicate)) ?? {};
  return jsonReply(
    JSON.stringify({
      '@odata.context': `${call.root}/$metadata#${set}/$entity`,
      ...selected(call, set, record),
    }),
  );
}

/** What a request selects of a record. The secret of an endpoint can be selected, and is always null. */
function selected({ options }: ApiCall, set: WebhookSet, record: WebhookRecord): WebhookRecord {
  const { type, key, readable } = TYPES[set];
  const names = listOption(options, '$select') ?? readable;
  const unknown = names.find((name) => name !== key && !readable.includes(name));
  if (unknown !== undefined) throw unknownProperty(unknown, type);
  return Object.fromEntries([key, ...names].map((name) => [name, record[name] ?? null]));
}

function existing(webhooks: WebhookRecords, set: WebhookSet, predicate: string | undefined): string {
  const id = (predicate ?? '').toLowerCase();
  if (webhooks.of(set).has(id)) return id;
  throw new DataverseError(404, '0x80040217', `Entity '${TYPES[set].type}' With Id = ${id} Does Not Exist`);
}

function remove(webhooks: WebhookRecords, set: WebhookSet, id: string): void {
  if (set === 'sdkmessageprocessingsteps') {
    webhooks.steps.delete(id);
    return;
  }
  const used = [...webhooks.steps.values()].filter((step) => step['_eventhandler_value'] === id).length;
  if (used > 0) {
    throw new DataverseError(
      400,
      '0x8004f01f',
      `The ServiceEndpoint(${id}) component cannot be deleted because it is referenced by ${used} other components.`,
    );
  }
  webhooks.endpoints.delete(id);
  webhooks.headers.delete(id);
}
