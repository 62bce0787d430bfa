import { annotationFilter } from './annotation-filter.ts';
import { contextColumns, requestedColumns } from './column-selection.ts';
import {
  badRequest,
  DataverseError,
  notEmulated,
  unsupportedByProvider,
} from '../web-api/dataverse-error.ts';
import type { DeltaToken } from './delta-token.ts';
import { readToken, writeToken } from './token-form.ts';
import { metadataVersionMember } from '../organization/metadata-version.ts';
import { pageBody, rowWriter } from './row-writer.ts';
import { encodeTrackingCookie, type TrackingPosition } from './paging-cookie.ts';
import { pageSize, preferenceApplied } from '../web-api/prefer-header.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';
import { partitionOption } from './row-address.ts';
import type { StoredRow } from '../store/stored-row.ts';
import type { TableData } from '../store/table-data.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

const REJECTED = ['$filter', '$orderby', '$expand', '$top'];

interface Page {
  readonly items: readonly Uint8Array[];
  readonly next: TrackingPosition | null;
}

/** Serves a page of an initial tracked load or of a delta. */
export async function trackedPage(
  api: WebApi,
  call: ApiCall,
  data: TableData,
  resumed: TrackingPosition | null,
): Promise<Reply> {
  const { store, settings } = api;
  const { options, request, root } = call;
  for (const name of REJECTED) {
    if (options.has(name)) {
      throw badRequest(`The "${name}" query parameter isn't supported when Change Tracking is enabled.`);
    }
  }
  if (partitionOption(data.definition, options) !== null)
    throw notEmulated('partitionId with change tracking');
  const selection = requestedColumns(api, call, data);
  const linkless = !checkTracking(api, data.definition);
  const tokenText = options.get('$deltatoken');
  const token = tokenText === undefined ? null : checkToken(api, data, tokenText);
  const position = resumed ?? firstPosition(api, data, token);
  if (position.from !== null && settings.isPurged(position.from, store.versionOf(data))) throw expired(api);
  const isDelta = position.from !== null;
  const annotations = annotationFilter(request.preferences.annotations);
  const nulls = isDelta ? settings.nullsInDelta : 'explicit';
  const writer = rowWriter(store, data, selection, annotations, nulls);
  const set = data.definition.entitySetName;
  const page = readPage(api, data, position, pageSize(request.preferences, data.definition), {
    row: (row) => row.bytes(writer),
    tombstone: (id) =>
      Buffer.from(
        `{"@odata.context":"${root}/$metadata#${set}/$deletedEntity","id":"${id}","reason":"deleted"}`,
      ),
  });

  const link = `${root}/${set}?${selection.named === null ? '' : `$select=${selection.named.join(',')}&`}`;
  let deltaLink = '';
  const version = metadataVersionMember(api, call);
  const isLost = version !== '' && settings.versionCostsLinks;
  if (page.next === null && !linkless && !isLost) {
    const upTo = settings.tokenFrom === 'last-page' ? store.versionOf(data) : position.max;
    const next = writeToken(api, data, { version: upTo, issuedAt: settings.issueTime() });
    deltaLink = `,"@odata.deltaLink":${JSON.stringify(`${link}$deltatoken=${next}`)}`;
  }
  const nextLink =
    page.next === null
      ? ''
      : `,"@odata.nextLink":${JSON.stringify(`${link}$skiptoken=${encodeTrackingCookie(page.next)}`)}`;
  const context = `${root}/$metadata#${set}${contextColumns(selection)}${isDelta ? '/$delta' : ''}`;
  const before = settings.deltaLinkPosition === 'before-value' ? deltaLink : '';
  const after = settings.deltaLinkPosition === 'before-value' ? '' : deltaLink;
  const body = pageBody(
    `"@odata.context":${JSON.stringify(context)}${version}${before}`,
    page.items,
    after + nextLink,
  );
  await settings.onPage?.({
    table: data.definition.logicalName,
    kind: isDelta ? 'delta' : 'baseline',
    pageNumber: position.pageNumber,
  });
  const tells = data.definition.tableType !== 'Virtual' || settings.virtualTellsTracking;
  const applied = preferenceApplied(request.preferences, !isDelta && !linkless && tells);
  return jsonReply(body, applied === undefined ? {} : { 'Preference-Applied': applied });
}

/** The number of changes since a token, for `/$count?$deltatoken=…`. */
export function changeCount(api: WebApi, data: TableData, tokenText: string): number {
  checkTracking(api, data.definition);
  const { version } = checkToken(api, data, tokenText);
  const max = api.store.versionOf(data);
  return data.rowLog.count(version, max) + data.tombstoneLog.count(version, max);
}

/** Whether the table can be tracked. An N:N table can be tracked if both its ends are. */
function checkTracking(api: WebApi, table: TableDefinition): boolean {
  if (table.intersects !== null) {
    const ends = table.intersects.map((end) => api.store.tables.get(end));
    if (ends.every((end) => end?.changeTrackingEnabled)) return true;
    if (api.settings.untrackedTables === 'no-link') return false;
    throw new DataverseError(
      400,
      '0x80072492',
      `Changes cannot be retrieved for intersect entity ${table.logicalName} since both related entities are not enabled for change tracking.`,
    );
  }
  if (table.tableType === 'Virtual' && table.changeTrackingEnabled) return checkProvider(api);
  if (table.changeTrackingEnabled) return true;
  if (api.settings.untrackedTables === 'no-link') return false;
  throw new DataverseError(
    400,
    '0x80072491',
    `Entity ${table.logicalName} isn't enabled for change tracking.`,
  );
}

/** Whether the provider of a virtual table gives delta links. Its change tracking is on, but that says little. */
function checkProvider({ settings }: WebApi): boolean {
  if (settings.virtualTables !== 'refused') return settings.virtualTables === 'tracked';
  throw unsupportedByProvider();
}

function checkToken(api: WebApi, data: TableData, text: string): DeltaToken {
  const { store, settings } = api;
  const token = readToken(api, data, text);
  if (token === undefined) throw badRequest(`Invalid delta token '${text}'.`);
  const { redefinedAt } = data;
  const outdated =
    settings.expireOnMetadataChange && redefinedAt !== null && token.version < redefinedAt.version;
  const refused = settings.tokenAhead === 'error' && token.version > store.versionOf(data);
  if (settings.isExpired(token, store.versionOf(data)) || outdated || refused) {
    throw expired(api);
  }
  store.purgeTombstones(api.now() - settings.expireChangeTrackingInDays * 86_400_000);
  return token;
}

function expired({ settings }: WebApi): DataverseError {
  return new DataverseError(
    settings.expiredTokenStatus,
    '0x80044352',
    'Version stamp associated with the client has expired. Please perform a full sync.',
  );
}

/** The first page fixes the upper bound, so that the next delta has the changes that are made during the walk. */
function firstPosition(api: WebApi, data: TableData, token: DeltaToken | null): TrackingPosition {
  const from = token?.version ?? null;
  return { pageNumber: 1, from, max: api.store.versionOf(data), phase: 'rows', after: from ?? -1n };
}

interface ItemBytes {
  readonly row: (row: StoredRow) => Uint8Array;
  readonly tombstone: (id: string) => Uint8Array;
}

/** First the rows in the order of their versions, then, in a delta, the deletes. */
function readPage(
  api: WebApi,
  data: TableData,
  position: TrackingPosition,
  limit: number,
  bytes: ItemBytes,
): Page {
  const { from, pageNumber } = position;
  const upper = api.settings.pagesSee === 'live' ? null : position.max;
  const isHidden = api.settings.hiddenRows.get(data.definition.logicalName);
  const items: Uint8Array[] = [];
  let after = position.after;
  const next = (phase: TrackingPosition['phase'], reached: bigint): TrackingPosition => ({
    ...position,
    pageNumber: pageNumber + 1,
    phase,
    after: reached,
  });
  if (position.phase === 'rows') {
    const slice = data.rowLog.between(after, upper, limit);
    for (const row of slice.entries) if (isHidden?.(row.id) !== true) items.push(bytes.row(row));
    if (slice.more) return { items, next: next('rows', slice.entries.at(-1)?.version ?? after) };
    if (from === null) return { items, next: null };
    after = from;
  }
  const slice = data.tombstoneLog.between(after, upper, limit - items.length);
  for (const tombstone of slice.entries) {
    const restored = data.rows.has(tombstone.key);
    if (restored && api.settings.restoredRows === 'without-tombstone') continue;
    items.push(bytes.tombstone(tombstone.id));
  }
  return { items, next: slice.more ? next('tombstones', slice.entries.at(-1)?.version ?? after) : null };
}
