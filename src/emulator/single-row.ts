import { annotationFilter } from './annotation-filter.ts';
import { contextColumns, selectColumns } from './column-selection.ts';
import { badRequest, DataverseError, notEmulated } from './dataverse-error.ts';
import { preferenceApplied } from './prefer-header.ts';
import { listOption } from './query-options.ts';
import { jsonReply, type Reply } from './reply.ts';
import { etag, rowWriter } from './row-writer.ts';
import type { TableData } from './table-data.ts';
import type { ApiCall, WebApi } from './web-api.ts';

const GUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** Serves `accounts(id)`. */
export function singleRow(api: WebApi, call: ApiCall, data: TableData, key: string): Reply {
  const { definition } = data;
  if (call.options.has('$expand')) throw notEmulated('$expand of a row');
  if (!GUID.test(key)) throw badRequest(`Bad Request - Error in query syntax: '${key}' is no key.`);
  const selection = selectColumns(data, listOption(call.options, '$select'));
  const row = data.rows.get(key.toLowerCase());
  if (row === undefined) {
    throw new DataverseError(
      404,
      '0x80040217',
      `Entity '${definition.schemaName}' With Id = ${key.toLowerCase()} Does Not Exist`,
    );
  }
  const annotations = annotationFilter(call.request.preferences.annotations);
  const text = rowWriter(api.store, data, selection, annotations, 'explicit').write(row);
  const context = `${call.root}/$metadata#${definition.entitySetName}${contextColumns(selection)}/$entity`;
  const applied = preferenceApplied(call.request.preferences, false);
  return jsonReply(`{"@odata.context":${JSON.stringify(context)},${text.slice(1)}`, {
    ETag: etag(data, row),
    ...(applied === undefined ? {} : { 'Preference-Applied': applied }),
  });
}
