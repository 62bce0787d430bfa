import { annotationFilter } from './annotation-filter.ts';
import { contextColumns, requestedColumns } from './column-selection.ts';
import { DataverseError, notEmulated, missingPrivilege } from '../web-api/dataverse-error.ts';
import { metadataVersionMember } from '../organization/metadata-version.ts';
import { preferenceApplied } from '../web-api/prefer-header.ts';
import { jsonReply, type Reply, type ApiCall, type WebApi } from '../web-api/web-api.ts';
import { rowAddress } from './row-address.ts';
import { rowKey } from '../store/stored-row.ts';
import { etag, rowWriter } from './row-writer.ts';
import type { TableData } from '../store/table-data.ts';

/** Serves `accounts(id)`, and the rows of elastic tables by id and partition. */
export function singleRow(api: WebApi, call: ApiCall, data: TableData, predicate: string): Reply {
  const { definition } = data;
  if (call.options.has('$expand')) throw notEmulated('$expand of a row');
  const { id, partition } = rowAddress(definition, predicate, call.options);
  const selection = requestedColumns(api, call, data);
  const row = data.rows.get(rowKey(id, partition));
  const { settings } = api;
  const hidden = settings.hiddenRows.get(definition.logicalName)?.(id) === true;
  if (row !== undefined && hidden && settings.hiddenRowStatus === 403) {
    throw missingPrivilege(settings.userId, `prvRead${definition.schemaName}`, definition);
  }
  if (row === undefined || hidden) {
    throw new DataverseError(
      404,
      '0x80040217',
      `Entity '${definition.schemaName}' With Id = ${id} Does Not Exist`,
    );
  }
  const annotations = annotationFilter(call.request.preferences.annotations);
  const text = rowWriter(api.store, data, selection, annotations, 'explicit').write(row);
  const context = `${call.root}/$metadata#${definition.entitySetName}${contextColumns(selection)}/$entity`;
  const applied = preferenceApplied(call.request.preferences, false);
  const version = metadataVersionMember(api, call);
  return jsonReply(`{"@odata.context":${JSON.stringify(context)}${version},${text.slice(1)}`, {
    ETag: etag(data, row),
    ...(applied === undefined ? {} : { 'Preference-Applied': applied }),
  });
}
