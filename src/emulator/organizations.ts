import { unknownProperty } from './dataverse-error.ts';
import { listOption } from './query-options.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { ApiCall, WebApi } from './web-api.ts';

/** Serves the one row of `organizations`, where the retention of the delete log can be read. */
export function organizations(api: WebApi, call: ApiCall): Reply {
  const { store, settings } = api;
  const row: Record<string, unknown> = {
    organizationid: store.organizationId,
    name: 'emulated',
    expirechangetrackingindays: settings.expireChangeTrackingInDays,
    languagecode: 1033,
    localeid: 1033,
    expiresubscriptionsindays: 90,
    currencysymbol: '$',
    basecurrencyprecision: 2,
    maxuploadfilesize: 5_242_880,
    isauditenabled: false,
    restrictGuestUserAccess: false,
    createdon: '2023-01-15T09:12:44Z',
    modifiedon: '2024-06-01T02:41:52Z',
    versionnumber: 2_101_560,
  };
  const select = listOption(call.options, '$select');
  const names = select ?? Object.keys(row);
  const shown: Record<string, unknown> = { '@odata.etag': 'W/"2101560"' };
  for (const name of [...names, 'organizationid']) {
    if (!(name in row)) throw unknownProperty(name, 'organization');
    shown[name] = row[name];
  }
  const columns = select === null ? '' : `(${select.join(',')})`;
  const context = `${call.root}/$metadata#organizations${columns}`;
  const single = call.request.resource?.startsWith('organizations(') ?? false;
  return jsonReply(
    JSON.stringify(
      single
        ? { '@odata.context': `${context}/$entity`, ...shown }
        : { '@odata.context': context, value: [shown] },
    ),
  );
}
