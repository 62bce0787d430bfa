import { annotationFilter } from './annotation-filter.ts';
import { contextColumns, requestedColumns } from './column-selection.ts';
import { badRequest, notEmulated } from '../web-api/dataverse-error.ts';
import type { EmulatorSettings } from '../emulator-settings.ts';
import { metadataVersionMember } from '../organization/metadata-version.ts';
import { pageBody, rowWriter } from './row-writer.ts';
import { encodeKeyCookie, type KeyPosition } from './paging-cookie.ts';
import { largestPage, pageSize, preferenceApplied } from '../web-api/prefer-header.ts';
import type { QueryOptions } from '../web-api/query-options.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';
import { partitionOption } from './row-address.ts';
import { rowFilter } from './row-filter.ts';
import { rowKey, type StoredRow } from '../store/stored-row.ts';
import { PARTITION, positionInOrder, type TableData } from '../store/table-data.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

/** Serves a page of an ordinary read in key order, without change tracking. */
export async function plainPage(
  api: WebApi,
  call: ApiCall,
  data: TableData,
  resumed: KeyPosition | null,
): Promise<Reply> {
  const { options, request, root } = call;
  const { definition } = data;
  for (const name of ['$expand', '$apply']) {
    if (options.has(name)) throw notEmulated(`${name} without change tracking`);
  }
  const selection = requestedColumns(api, call, data);
  const annotations = annotationFilter(request.preferences.annotations);
  const rows = wantedRows(api.settings, data, options);
  const start = resumed === null ? 0 : startAfter(rows, rowKey(resumed.lastId, resumed.lastPartition));
  const top = options.get('$top');
  if (top !== undefined && !/^\d+$/.test(top)) throw badRequest(`Invalid value '${top}' for $top.`);
  const size =
    top === undefined
      ? pageSize(request.preferences, definition)
      : Math.min(Number(top), largestPage(definition));
  const shown = rows.list.slice(start, start + size);
  const writer = rowWriter(api.store, data, selection, annotations, 'explicit');
  const pageNumber = resumed?.pageNumber ?? 1;

  let nextLink = '';
  const first = shown[0];
  const last = shown.at(-1);
  if (top === undefined && start + size < rows.list.length && first !== undefined && last !== undefined) {
    const cookie = encodeKeyCookie(
      {
        pageNumber: pageNumber + 1,
        firstId: first.id,
        lastId: last.id,
        lastPartition: data.partitionOf(last.literals),
      },
      definition.primaryIdAttribute,
    );
    const kept = [...options]
      .filter(([name]) => name !== '$skiptoken')
      .map(([name, value]) => `${name}=${encodeValue(value)}&`);
    nextLink = `,"@odata.nextLink":${JSON.stringify(`${root}/${definition.entitySetName}?${kept.join('')}$skiptoken=${cookie}`)}`;
  }
  const context = `${root}/$metadata#${definition.entitySetName}${contextColumns(selection)}`;
  const counted = options.get('$count') === 'true' ? Math.min(rows.list.length, 5000) : null;
  const count = counted === null ? '' : `,"@odata.count":${counted}`;
  const totals = annotations.totalRecordCount
    ? `,"@Microsoft.Dynamics.CRM.totalrecordcount":${counted ?? -1},"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":${counted !== null && rows.list.length > 5000}`
    : '';
  const version = metadataVersionMember(api, call);
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

/**
 * The rows that fit the filter and the partition, in order. Only the order by the whole key is emulated, which is
 * also the default order. On elastic tables the key is the id and then the partition.
 */
function wantedRows({ hiddenRows }: EmulatorSettings, data: TableData, options: QueryOptions): OrderedRows {
  const { definition } = data;
  const descending = isDescending(definition, options);
  const fits = rowFilter(options, definition);
  const partition = partitionOption(definition, options);
  const isHidden = hiddenRows.get(definition.logicalName);
  const list = data
    .ordered()
    .filter(
      (row) =>
        fits(row) &&
        isHidden?.(row.id) !== true &&
        (partition === null || row.key === rowKey(row.id, partition)),
    );
  return { list: descending ? list.toReversed() : list, descending };
}

function isDescending(definition: TableDefinition, options: QueryOptions): boolean {
  const orderBy = options.get('$orderby');
  if (orderBy === undefined) return false;
  const terms = orderBy.split(',').map((term) => /^(\w+)(?: (asc|desc))?$/.exec(term.trim()));
  const [id, partition] = terms;
  const byId = id?.[1] === definition.primaryIdAttribute;
  const thenByPartition =
    partition === undefined ||
    (definition.tableType === 'Elastic' && partition?.[1] === PARTITION && partition[2] === id?.[2]);
  if (!byId || !thenByPartition || terms.length > 2) throw notEmulated(`$orderby=${orderBy}`);
  return id?.[2] === 'desc';
}

function startAfter({ list, descending }: OrderedRows, lastKey: string): number {
  const last = positionInOrder(lastKey);
  const found = list.findIndex((row) => {
    const position = positionInOrder(row.key);
    return descending ? position < last : position > last;
  });
  return found < 0 ? list.length : found;
}

/** Escapes the characters that would end or break an option of a link. Commas and @ stay readable, as in live links. */
function encodeValue(value: string): string {
  return encodeURIComponent(value).replaceAll('%2C', ',').replaceAll('%40', '@');
}
