import { randomUUID } from 'node:crypto';
import { isLoopback } from '../../model/loopback.ts';
import { badRequest, DataverseError, notEmulated, unknownProperty } from '../web-api/dataverse-error.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';
import type { WebhookRecord, WebhookRecords, WebhookSet } from './webhook-records.ts';

/** `contract` of a webhook. Source: the choices of `serviceendpoint`. */
const WEBHOOK = 8;
/** `authtype`: the environment sends headers along. */
const HTTP_HEADER = 5;
const LONGEST_AUTH_VALUE = 2_048;
const LONGEST_DESCRIPTION = 100;

const ENDPOINT_MEMBERS = ['name', 'contract', 'authtype', 'messageformat', 'url', 'description', 'authvalue'];
const STEP_MEMBERS = [
  'name',
  'stage',
  'mode',
  'rank',
  'supporteddeployment',
  'asyncautodelete',
  'statecode',
  'statuscode',
  'description',
];
/** The lookups of a step: the navigation property, its entity set, and the property that reads have. */
const LOOKUPS: readonly (readonly [navigation: string, set: WebhookSet, property: string])[] = [
  ['sdkmessageid', 'sdkmessages', '_sdkmessageid_value'],
  ['sdkmessagefilterid', 'sdkmessagefilters', '_sdkmessagefilterid_value'],
  ['eventhandler_serviceendpoint', 'serviceendpoints', '_eventhandler_value'],
];

/** Creates an endpoint, or changes the one with `id`. @returns its id. @throws DataverseError */
export function writeEndpoint(api: WebApi, call: ApiCall, id: string | null): string {
  const { webhooks } = api;
  const given = bodyOf(call);
  const key = keyOf(given, 'serviceendpointid', id, webhooks.endpoints);
  refuseUnknown(given, 'serviceendpoint', [...ENDPOINT_MEMBERS, 'serviceendpointid']);
  const { authvalue, ...members } = given;
  const record: WebhookRecord = { ...webhooks.endpoints.get(key), ...plain(members), serviceendpointid: key };
  if (record['contract'] !== WEBHOOK) throw notEmulated('A service endpoint that is no webhook');
  if (record['authtype'] !== HTTP_HEADER) throw notEmulated('A webhook without headers');
  if (typeof record['name'] !== 'string' || record['name'] === '') throw badRequest('name is required.');
  checkUrl(record['url']);
  if (String(record['description'] ?? '').length > LONGEST_DESCRIPTION) throw tooLong('description');
  const headers = authvalue === undefined ? webhooks.headers.get(key) : headersOf(authvalue);
  if (headers === undefined) throw badRequest('authvalue is required.');
  webhooks.endpoints.set(key, { ...record, isauthvalueset: true });
  webhooks.headers.set(key, headers);
  return key;
}

/** Creates a step, or changes the one with `id`. @returns its id. @throws DataverseError */
export function writeStep(api: WebApi, call: ApiCall, id: string | null): string {
  const { webhooks } = api;
  const given = bodyOf(call);
  const key = keyOf(given, 'sdkmessageprocessingstepid', id, webhooks.steps);
  const bound = lookupsOf(webhooks, given);
  const members = Object.fromEntries(Object.entries(given).filter(([name]) => !name.includes('@')));
  refuseUnknown(members, 'sdkmessageprocessingstep', [...STEP_MEMBERS, 'sdkmessageprocessingstepid']);
  const before = webhooks.steps.get(key) ?? { statecode: 0 };
  const record: WebhookRecord = { ...before, ...plain(members), ...bound, sdkmessageprocessingstepid: key };
  for (const [, , property] of LOOKUPS) {
    if (record[property] === undefined) throw badRequest(`The step lacks ${property}.`);
  }
  const filter = webhooks.of('sdkmessagefilters').get(String(record['_sdkmessagefilterid_value']));
  if (filter?.['_sdkmessageid_value'] !== record['_sdkmessageid_value']) {
    throw new DataverseError(400, '0x80044181', 'The message filter belongs to another message.');
  }
  // A step before the commit, or one that the user waits for, would need more of the emulator.
  if (record['stage'] !== 40 || record['mode'] !== 1) throw notEmulated('A step that is not asynchronous');
  webhooks.steps.set(key, record);
  return key;
}

type Given = Readonly<Record<string, unknown>>;

function bodyOf({ body }: ApiCall): Given {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Given;
  throw badRequest('An error occurred while validating input parameters: the body is no JSON object.');
}

/** The id of a record to write. A client may choose the id of a new record. */
function keyOf(given: Given, name: string, id: string | null, known: ReadonlyMap<string, unknown>): string {
  if (id !== null) return id;
  const chosen = given[name];
  if (chosen === undefined) return randomUUID();
  if (typeof chosen !== 'string') throw badRequest(`${name} must be a unique identifier.`);
  if (!known.has(chosen.toLowerCase())) return chosen.toLowerCase();
  throw new DataverseError(412, '0x80040237', 'A record with matching key values already exists.');
}

/** Navigation properties are case-sensitive: those of these tables are in lower case. */
function lookupsOf(webhooks: WebhookRecords, given: Given): WebhookRecord {
  const bound: WebhookRecord = {};
  for (const [name, value] of Object.entries(given)) {
    const [navigation, annotation] = name.split('@');
    if (annotation === undefined) continue;
    const lookup = LOOKUPS.find(([known]) => known === navigation);
    if (annotation !== 'odata.bind' || lookup === undefined) throw undeclared(navigation ?? '');
    const [, set, property] = lookup;
    const [, id = ''] = new RegExp(`^/?${set}\\(([0-9a-fA-F-]{36})\\)$`).exec(String(value)) ?? [];
    if (!webhooks.of(set).has(id.toLowerCase())) {
      throw new DataverseError(404, '0x80040217', `${set} With Id = ${id} Does Not Exist`);
    }
    bound[property] = id.toLowerCase();
  }
  return bound;
}

function undeclared(name: string): DataverseError {
  return new DataverseError(
    400,
    '0x80048d19',
    `Error identified in Payload provided by the user for Entity :'sdkmessageprocessingsteps' ----> InnerException : Microsoft.OData.ODataException: An undeclared property '${name}' which only has property annotations in the payload but no property value was found in the payload.`,
  );
}

function refuseUnknown(given: Given, type: string, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownProperty(unknown, type);
}

function plain(given: Given): WebhookRecord {
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && typeof value === 'object') throw badRequest(`${name} must be a plain value.`);
  }
  return given as WebhookRecord;
}

function checkUrl(url: unknown): void {
  if (typeof url !== 'string' || !URL.canParse(url)) throw badRequest('url must be an absolute address.');
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return;
  throw new DataverseError(400, '0x80050209', 'The webhook address must begin with https.');
}

/** `<settings><setting name="x-key" value="…"/></settings>`, as the plug-in registration tool writes it. */
function headersOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'string') throw badRequest('authvalue must be a text.');
  if (value.length > LONGEST_AUTH_VALUE) throw tooLong('authvalue');
  const inner = /^<settings>(.*)<\/settings>$/s.exec(value.trim())?.[1];
  const settings = [...(inner ?? '').matchAll(/<setting name="([^"<&]*)" value="([^"<]*)"\s*\/>/g)];
  if (settings.length === 0) throw badRequest('authvalue must hold settings, each with a name and a value.');
  return Object.fromEntries(settings.map(([, name = '', text = '']) => [name, unescaped(text)]));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescaped(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? '');
}

function tooLong(name: string): DataverseError {
  return new DataverseError(
    400,
    '0x80044331',
    `A validation error occurred. The length of '${name}' exceeded the maximum allowed length.`,
  );
}
