import { selectColumns, type ColumnSelection } from './column-selection.ts';
import { DataverseError } from '../web-api/dataverse-error.ts';
import { listOption } from '../web-api/query-options.ts';
import type { TableData } from '../store/table-data.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/**
 * The columns a read returns, as its `$select` says and the settings allow.
 *
 * Throws 0x80060888 for names that are no properties, and 0x80060429 where more columns than allowed are computed
 * on reading. Rollup columns are stored and do not count.
 */
export function requestedColumns(api: WebApi, call: ApiCall, data: TableData): ColumnSelection {
  const { settings } = api;
  const isLink = call.options.has('$skiptoken') || call.options.has('$deltatoken');
  const leaveOut = isLink && settings.removedColumns === 'left-out';
  const selection = selectColumns(
    data,
    listOption(call.options, '$select'),
    leaveOut ? 'leave-out' : 'refuse',
  );
  const limit = settings.maxCalculatedFields;
  if (limit !== null && calculatedFields(data, selection) > limit) {
    throw new DataverseError(
      400,
      '0x80060429',
      `Number of calculated fields in query exceeded maximum limit of ${limit}.`,
    );
  }
  return selection;
}

function calculatedFields(data: TableData, selection: ColumnSelection): number {
  return selection.positions.filter((position) => {
    const sourceType = data.rowColumns[position]?.sourceType;
    return sourceType === 1 || sourceType === 3;
  }).length;
}
