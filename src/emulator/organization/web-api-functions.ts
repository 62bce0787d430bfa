import { badRequest, DataverseError } from '../web-api/dataverse-error.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';

/** English and German: the languages that every label of the emulated organization has. */
const LANGUAGES = [1033, 1031];

/** Serves RetrieveProvisionedLanguages: the language packs that are installed and enabled. */
export function provisionedLanguages(call: ApiCall): Reply {
  const context = `${call.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveProvisionedLanguagesResponse`;
  return jsonReply(JSON.stringify({ '@odata.context': context, RetrieveProvisionedLanguages: LANGUAGES }));
}

/** Serves WhoAmI, the cheapest call: the caller, and the organization. */
export function whoAmI(api: WebApi, call: ApiCall): Reply {
  return jsonReply(
    JSON.stringify({
      '@odata.context': `${call.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      BusinessUnitId: api.store.businessUnitId,
      UserId: api.settings.userId,
      OrganizationId: api.store.organizationId,
    }),
  );
}

/** Serves RetrieveTotalRecordCount, with the names of tables in the address or in a parameter alias. */
export function totalRecordCount(api: WebApi, call: ApiCall): Reply {
  const argument = /\(EntityNames=(.*)\)$/.exec(call.request.resource ?? '')?.[1] ?? '';
  const list = argument.startsWith('@') ? (call.options.get(argument) ?? '') : argument;
  const names = readNames(list);
  const counts = names.map((name) => {
    if (api.store.has(name)) return countOf(api, name);
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

/** The platform counts the rows that it stores itself. Those of a virtual table are elsewhere. */
function countOf({ store }: WebApi, name: string): number {
  const { definition, rows } = store.data(name);
  if (definition.tableType !== 'Virtual') return rows.size;
  throw badRequest(`The virtual entity '${name}' cannot be counted.`);
}

function readNames(list: string): string[] {
  if (!/^\[\s*(?:(?:'[^']*'|"[^"]*")\s*,?\s*)*\]$/.test(list)) {
    throw badRequest(`Invalid value '${list}' for the parameter EntityNames.`);
  }
  return [...list.matchAll(/'([^']*)'|"([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? '');
}
