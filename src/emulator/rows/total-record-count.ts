import { badRequest, DataverseError } from '../web-api/dataverse-error.ts';
import { jsonReply, type Reply } from '../web-api/reply.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/** Serves RetrieveTotalRecordCount, with its names in place or behind a parameter alias. */
export function totalRecordCount(api: WebApi, call: ApiCall): Reply {
  const argument = /\(EntityNames=(.*)\)$/.exec(call.request.resource ?? '')?.[1] ?? '';
  const list = argument.startsWith('@') ? (call.options.get(argument) ?? '') : argument;
  const names = readNames(list);
  const counts = names.map((name) => {
    if (api.store.has(name)) return api.store.data(name).rows.size;
    throw new DataverseError(
      404,
      '0x80041102',
      `The entity with a name = '${name}' with namemapping = 'Logical' was not found in the MetadataCache.`,
    );
  });
  return jsonReply(
    JSON.stringify({
      '@odata.context': `${call.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse`,
      EntityRecordCountCollection: {
        Count: names.length,
        IsReadOnly: false,
        Keys: names,
        Values: counts,
      },
    }),
  );
}

function readNames(list: string): string[] {
  if (!/^\[\s*(?:(?:'[^']*'|"[^"]*")\s*,?\s*)*\]$/.test(list)) {
    throw badRequest(`Invalid value '${list}' for the parameter EntityNames.`);
  }
  return [...list.matchAll(/'([^']*)'|"([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? '');
}
