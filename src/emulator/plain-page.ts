import { annotationFilter, GLOBAL_METADATA_VERSION } from './annotation-filter.ts';
import { contextColumns, selectColumns } from './column-selection.ts';
import { badRequest, notEmulated } from './dataverse-error.ts';
import { pageBody } from './page-body.ts';
import { encodeKeyCookie, type KeyPosition } from './paging-cookie.ts';
import { pageSize, preferenceApplied } from './prefer-header.ts';
import { listOption } from './query-options.ts';
import { jsonReply, type Reply } from './reply.ts';
import { rowWriter } from './row-writer.ts';
import { sqlServerOrder } from './sql-server-guid-order.ts';
import type { StoredRow } from './stored-row.ts';
import type { TableData } from './table-data.ts';
import type { ApiCall, WebApi } from './web-api.ts';

/** Serves a page of an ordinary read in key order, without change tracking. */
export async function plainPage(
  api: WebApi,
  call: ApiCall,
  data: TableData,
  resumed: KeyPosition | null,
): Promise<Reply> {
  const { options, request, root } = call;
  const { definition } = data;
  for (const name of ['$filter', '$expand', '$apply']) {
    if (options.has(name)) throw notEmulated(`${name} without change tracking`);
  }
  const selection = selectColumns(data, listOption(options, '$select'));
  const annotations = annotationFilter(request.preferences.annotations);
  const rows = ordered(data, options.get('$orderby'));
  const start = resumed === null ? 0 : startAfter(rows.list, resumed.lastId, rows.descending);
  const top = options.get('$top');
  if (top !== undefined && !/^\d+$/.test(top)) throw badRequest(`Invalid value '${top}' for $top.`);
  const size = top === undefined ? pageSize(request.preferences) : Math.min(Number(top), 5000);
  const shown = rows.list.slice(start, start + size);
  const writer = rowWriter(api.store, data, selection, annotations, 'explicit');
  const pageNumber = resumed?.pageNumber ?? 1;

  let nextLink = '';
  const first = shown[0];
  const last = shown.at(-1);
  if (top === undefined && start + size < rows.list.length && first !== undefined && last !== undefined) {
    const cookie = encodeKeyCookie(
      { pageNumber: pageNumber + 1, firstId: first.id, lastId: last.id },
      definition.primaryIdAttribute,
    );
    const kept = ['$select', '$orderby', '$count']
      .filter((name) => options.has(name))
      .map((name) => `${name}=${(options.get(name) ?? '').replaceAll(' ', '%20')}&`);
    nextLink = `,"@odata.nextLink":${JSON.stringify(`${root}/${definition.entitySetName}?${kept.join('')}$skiptoken=${cookie}`)}`;
  }
  const context = `${root}/$metadata#${definition.entitySetName}${contextColumns(selection)}`;
  const counted = options.get('$count') === 'true' ? Math.min(rows.list.length, 5000) : null;
  const count = counted === null ? '' : `,"@odata.count":${counted}`;
  const totals = annotations.totalRecordCount
    ? `,"@Microsoft.Dynamics.CRM.totalrecordcount":${counted ?? -1},"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":${counted !== null && rows.list.length > 5000}`
    : '';
  const version = annotations.globalMetadataVersion
    ? `,"@${GLOBAL_METADATA_VERSION}":"${api.store.metadataVersion}"`
    : '';
  const items = shown.map((row) => row.bytes(writer));
  const body = pageBody(
    `"@odata.context":${JSON.stringify(context)}${count}${totals}${version}`,
    items,
    nextLink,
  );
  await api.settings.onPage?.({ table: definition.logicalName, kind: 'list', pageNumber });
  const applied = preferenceApplied(request.preferences, false);
  return jsonReply(body, applied === undefined ? {} : { 'Preference-Applied': applied });
}

interface OrderedRows {
  readonly list: readonly StoredRow[];
  readonly descending: boolean;
}

/** Only an order by the key is emulated; without one the key is used as well. */
function ordered(data: TableData, orderBy: string | undefined): OrderedRows {
  const list = data.ordered();
  if (orderBy === undefined) return { list, descending: false };
  const match = /^(\w+)(?: (asc|desc))?$/.exec(orderBy.trim());
  if (match?.[1] !== data.definition.primaryIdAttribute) throw notEmulated(`$orderby=${orderBy}`);
  const descending = match[2] === 'desc';
  return { list: descending ? list.toReversed() : list, descending };
}

function startAfter(rows: readonly StoredRow[], lastId: string, descending: boolean): number {
  const last = sqlServerOrder(lastId);
  const found = rows.findIndex((row) => {
    const key = sqlServerOrder(row.id);
    return descending ? key < last : key > last;
  });
  return found < 0 ? rows.length : found;
}
