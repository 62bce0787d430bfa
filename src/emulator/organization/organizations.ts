import { unknownProperty } from '../web-api/dataverse-error.ts';
import { metadataVersionMember } from './metadata-version.ts';
import { listOption } from '../web-api/query-options.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';
import type { TableData } from '../store/table-data.ts';
import { literalOf, type WireInput } from '../store/wire-value.ts';

/** The table whose one row describes the organization. */
export const ORGANIZATION = 'organization';

/**
 * Serves the one row of `organizations` for a model without that table. Clients read there how long the delete log
 * keeps deletions.
 */
export function organizations(api: WebApi, call: ApiCall): Reply {
  const row: Record<string, unknown> = {
    organizationid: api.store.organizationId,
    ...values(api),
    createdon: '2023-01-15T09:12:44Z',
    modifiedon: '2024-06-01T02:41:52Z',
    versionnumber: 2_101_560,
  };
  const select = listOption(call.options, '$select');
  const names = select ?? Object.keys(row);
  const shown: Record<string, unknown> = { '@odata.etag': 'W/"2101560"' };
  for (const name of [...names, 'organizationid']) {
    if (!(name in row)) throw unknownProperty(name, ORGANIZATION);
    shown[name] = row[name];
  }
  const columns = select === null ? '' : `(${select.join(',')})`;
  const context = `${call.root}/$metadata#organizations${columns}`;
  const single = call.request.resource?.startsWith('organizations(') ?? false;
  const head = JSON.stringify(single ? `${context}/$entity` : context) + metadataVersionMember(api, call);
  const body = single ? JSON.stringify(shown).slice(1, -1) : `"value":[${JSON.stringify(shown)}]`;
  return jsonReply(`{"@odata.context":${head},${body}}`);
}

/**
 * Makes the row of the table `organization` agree with the settings before it is read. A missing row is added,
 * because the platform makes the row together with the organization. A changed setting gives the row no new version.
 */
export function keepOrganizationRow(api: WebApi, data: TableData): void {
  const { store } = api;
  const known = Object.entries(values(api)).filter(([name]) => data.positions.has(name));
  const row = data.rows.values().next().value;
  if (row === undefined) {
    store.insert(ORGANIZATION, Object.fromEntries(known), store.organizationId);
    return;
  }
  const changed = known.filter(([name, value]) => {
    const literal = row.literals[data.positionOf(name)] ?? null;
    if (name === 'languagecode') return literal === null;
    return name === 'expirechangetrackingindays' && literal !== literalOf(value);
  });
  if (changed.length > 0) store.recalculate(ORGANIZATION, row.id, Object.fromEntries(changed));
}

function values(api: WebApi): Record<string, WireInput> {
  return {
    name: 'emulated',
    expirechangetrackingindays: api.settings.expireChangeTrackingInDays,
    languagecode: 1033,
    localeid: 1033,
    expiresubscriptionsindays: api.settings.expireSubscriptionsInDays,
    currencysymbol: '$',
    basecurrencyprecision: 2,
    maxuploadfilesize: 5_242_880,
    isauditenabled: false,
    restrictGuestUserAccess: false,
  };
}
