import { annotationFilter } from '../rows/annotation-filter.ts';
import { contextColumns, requestedColumns, selectColumns } from '../rows/column-selection.ts';
import { pageBody, rowWriter } from '../rows/row-writer.ts';
import { metadataVersionMember } from '../organization/metadata-version.ts';
import { rowKey, type StoredRow } from '../store/stored-row.ts';
import { PARTITION, positionInOrder, type TableData } from '../store/table-data.ts';
import { wireProperty } from '../definitions/column.ts';
import { largestPage, preferenceApplied } from '../web-api/prefer-header.ts';
import { DataverseError } from '../web-api/dataverse-error.ts';
import { jsonReply, type ApiCall, type Reply, type WebApi } from '../web-api/web-api.ts';
import { filterTest } from './fetch-condition.ts';
import { fetchError, parseFetch, refuseUnknown, type FetchElement } from './fetch-document.ts';

/** Rows that an environment gives without a paging cookie at most ("Page results using FetchXml"). */
const WITHOUT_COOKIE = 50_000;
const COOKIE = 'Microsoft.Dynamics.CRM.fetchxmlpagingcookie';
const MORE = 'Microsoft.Dynamics.CRM.morerecords';

/**
 * Serves a page of a query in FetchXML over one table, in the order of its key. Nulls are left out, as in the answers
 * that Microsoft's page shows. Whatever is not emulated is refused with 400.
 */
export async function fetchPage(api: WebApi, call: ApiCall, data: TableData): Promise<Reply> {
  const { definition } = data;
  if (call.options.size > 1) throw fetchError('fetchXml cannot stand beside other query options.');
  const fetch = parseFetch(call.options.get('fetchXml') ?? '');
  refuseUnknown(fetch, ['count', 'page', 'paging-cookie', 'version', 'mapping', 'no-lock']);
  const [entity, ...others] = fetch.children;
  if (entity?.name !== 'entity' || others.length > 0) throw fetchError('A query has one entity.');
  if (entity.attributes['name'] !== definition.logicalName)
    throw fetchError('The entity is that of the address.');
  refuseUnknown(entity, ['name']);
  const selection = selectionOf(api, call, data, entity);
  const isHidden = api.settings.hiddenRows.get(definition.logicalName);
  const tests = childrenOf(entity, 'filter').map((filter) => filterTest(data, filter));
  refuseOrder(data, entity);
  const list = data
    .ordered()
    .filter((row) => isHidden?.(row.id) !== true && tests.every((test) => test(row)));
  const page = positive(fetch, 'page', 1);
  const count = Math.min(positive(fetch, 'count', largestPage(definition)), largestPage(definition));
  const start = startOf(data, list, page, count, fetch.attributes['paging-cookie']);
  const shown = list.slice(start, start + count);
  const more = start + count < list.length;
  const wanted = call.request.preferences.annotations ?? '';
  const asks = (name: string): boolean =>
    /Microsoft\.Dynamics\.CRM\.\*|^\*$/.test(wanted) || wanted.includes(name);
  const [first, last] = [shown[0], shown.at(-1)];
  const cookie =
    asks(COOKIE) && more && first !== undefined && last !== undefined
      ? `,"@${COOKIE}":${JSON.stringify(cookieOf(data, page, first, last))}`
      : '';
  const told = `${cookie}${asks(MORE) ? `,"@${MORE}":${more}` : ''}`;
  const annotations = annotationFilter(call.request.preferences.annotations);
  const writer = rowWriter(api.store, data, selection, annotations, 'omitted');
  const context = `${call.root}/$metadata#${definition.entitySetName}${contextColumns(selection)}`;
  const body = pageBody(
    `"@odata.context":${JSON.stringify(context)}${metadataVersionMember(api, call)}${told}`,
    shown.map((row) => row.bytes(writer)),
    '',
  );
  await api.settings.onPage?.({ table: definition.logicalName, kind: 'list', pageNumber: page });
  const applied = preferenceApplied(call.request.preferences, false);
  return jsonReply(body, applied === undefined ? {} : { 'Preference-Applied': applied });
}

function childrenOf(entity: FetchElement, name: string): readonly FetchElement[] {
  return entity.children.filter((child) => child.name === name);
}

/** The attributes of a query are logical names: a lookup is named without `_value`. */
function selectionOf(api: WebApi, call: ApiCall, data: TableData, entity: FetchElement) {
  const known = new Set(['attribute', 'all-attributes', 'filter', 'order']);
  const unknown = entity.children.find(({ name }) => !known.has(name));
  if (unknown !== undefined) throw fetchError(`The element ${unknown.name} is not emulated.`);
  const isAll = childrenOf(entity, 'all-attributes').length > 0;
  const properties = childrenOf(entity, 'attribute').map((each) => {
    refuseUnknown(each, ['name']);
    const { name = '' } = each.attributes;
    const column = data.definition.columns.find(({ logicalName }) => logicalName === name);
    if (column === undefined)
      throw fetchError(
        `'${data.definition.logicalName}' entity doesn't contain attribute with Name = '${name}'.`,
      );
    return wireProperty(column);
  });
  const select = new Map([['$select', properties.join(',')]]);
  return isAll ? selectColumns(data, null) : requestedColumns(api, { ...call, options: select }, data);
}

function refuseOrder(data: TableData, entity: FetchElement): void {
  const { primaryIdAttribute, tableType } = data.definition;
  const keys = tableType === 'Elastic' ? [primaryIdAttribute, PARTITION] : [primaryIdAttribute];
  const orders = childrenOf(entity, 'order');
  const isByKey = orders.every(
    ({ attributes }, at) => attributes['attribute'] === keys[at] && attributes['descending'] !== 'true',
  );
  if (!isByKey) throw fetchError('Only the order by the whole key is emulated.');
}

function positive({ attributes }: FetchElement, name: string, otherwise: number): number {
  const text = attributes[name];
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d*$/.test(text)) throw fetchError(`${name} must be a number above 0.`);
  return Number(text);
}

/** A cookie of another page than the one before is ignored, and pages are counted ("Page large result sets"). */
function startOf(
  data: TableData,
  list: readonly StoredRow[],
  page: number,
  count: number,
  cookie: string | undefined,
): number {
  if (cookie !== undefined) {
    const found =
      /^<cookie page="(\d+)"><(\w+) last="\{([0-9A-F-]{36})\}" first="\{[0-9A-F-]{36}\}" \/>(?:<partitionid last="([^"]*)" \/>)?<\/cookie>$/.exec(
        cookie,
      );
    if (found?.[2] !== data.definition.primaryIdAttribute) {
      throw new DataverseError(400, '0x80041129', 'Malformed XML in the Paging Cookie');
    }
    if (Number(found[1]) === page - 1) {
      const last = positionInOrder(rowKey((found[3] ?? '').toLowerCase(), found[4] ?? null));
      const next = list.findIndex((row) => positionInOrder(row.key) > last);
      return next < 0 ? list.length : next;
    }
  }
  const start = (page - 1) * count;
  if (start + count > WITHOUT_COOKIE) {
    throw new DataverseError(
      400,
      '0x8004430a',
      'A paging cookie is required for a page of so high a number.',
    );
  }
  return start;
}

/** The cookie as its annotation has it: encoded twice, in an attribute. */
function cookieOf(data: TableData, page: number, first: StoredRow, last: StoredRow): string {
  const { primaryIdAttribute } = data.definition;
  const partition = data.partitionOf(last.literals);
  const inPartition = partition === null ? '' : `<partitionid last="${partition}" />`;
  const inner = `<cookie page="${page}"><${primaryIdAttribute} last="{${last.id.toUpperCase()}}" first="{${first.id.toUpperCase()}}" />${inPartition}</cookie>`;
  const nested = encodeURIComponent(encodeURIComponent(inner)).replaceAll(/%25[0-9A-F]{2}/g, (escape) =>
    escape.toLowerCase(),
  );
  return `<cookie pagenumber="${page + 1}" pagingcookie="${nested}" istracking="False" />`;
}
