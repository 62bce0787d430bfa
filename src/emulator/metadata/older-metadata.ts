import { DataverseError, unknownProperty } from '../web-api/dataverse-error.ts';
import { listOption } from '../web-api/query-options.ts';
import type { ApiCall, Reply, WebApi } from '../web-api/web-api.ts';
import { exactJson, parseExactJson } from './exact-json.ts';

/** Members of tables that came with elastic tables, after the last version on premises. */
const NEWER = new Set(['TableType']);

/** Refuses a version of the Web API that an environment on premises does not have. */
export function refuseNewerVersion({ settings }: WebApi, { request }: ApiCall): void {
  const { onPremises } = settings;
  const [, minor = '0'] = /v9\.(\d)$/.exec(request.basePath) ?? [];
  if (onPremises === null || Number(minor) <= onPremises.newest) return;
  throw new DataverseError(
    onPremises.newerVersion,
    '0x8006088a',
    `The API version v9.${minor} is not supported by this organization.`,
  );
}

/** Definitions as an environment on premises has them: newer members are unknown, and come in no answer. */
export function olderMetadata(api: WebApi, call: ApiCall, serve: () => Reply): Reply {
  if (api.settings.onPremises === null) return serve();
  const newer = listOption(call.options, '$select')?.find((member) => NEWER.has(member));
  if (newer !== undefined) throw unknownProperty(newer, 'Microsoft.Dynamics.CRM.EntityMetadata');
  const reply = serve();
  return { ...reply, body: exactJson(without(parseExactJson(Buffer.from(reply.body).toString('utf8')))) };
}

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (NEWER.has(name) ? [] : [[name, without(member)]])),
  );
}
