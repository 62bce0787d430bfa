import { isDeclared, isInRows, wireProperty, type Column } from '../definitions/column.ts';
import { unknownProperty, DataverseError } from '../web-api/dataverse-error.ts';
import type { TableData } from '../store/table-data.ts';
import { listOption } from '../web-api/query-options.ts';
import type { ApiCall, WebApi } from '../web-api/web-api.ts';

/** The columns that a request asked for. The table has them. */
export interface ColumnSelection {
  /** The selected properties, or null for all. */
  readonly named: readonly string[] | null;
  /** Positions of the row columns to write, in order. */
  readonly positions: readonly number[];
}

/**
 * Resolves a `$select`; `unknown` says what happens to names that are no properties. The primary id is always added,
 * and for a money column the currency of the row. A declared column that may not be read can be selected, but rows
 * do not carry it.
 */
export function selectColumns(
  data: TableData,
  select: readonly string[] | null,
  unknown: 'refuse' | 'leave-out' = 'refuse',
): ColumnSelection {
  if (select === null || select.includes('*')) {
    return { named: null, positions: data.rowColumns.map((_, position) => position) };
  }
  const declared = new Map<string, Column>();
  for (const column of data.definition.columns) {
    if (isDeclared(column)) declared.set(wireProperty(column), column);
  }
  const positions = new Set<number>();
  const named: string[] = [];
  let wantsCurrency = false;
  for (const property of select) {
    const column = declared.get(property);
    if (column === undefined) {
      const isInheritedKey = property === 'ownerid' && data.definition.baseType === 'principal';
      if (isInheritedKey) named.push(property);
      else if (unknown === 'refuse') throw unknownProperty(property, data.definition.logicalName);
      continue;
    }
    named.push(property);
    const position = isInRows(column) ? data.positions.get(property) : undefined;
    if (position !== undefined) positions.add(position);
    wantsCurrency ||= column.kind === 'Money';
  }
  for (const property of wantsCurrency ? ['_transactioncurrencyid_value'] : []) addIfKnown(property);
  addIfKnown(data.definition.primaryIdAttribute);
  return { named, positions: [...positions] };

  function addIfKnown(property: string): void {
    const position = data.positions.get(property);
    if (position !== undefined) positions.add(position);
  }
}

/** `(name,accountnumber)` for the context url; empty if all columns were selected. */
export function contextColumns(selection: ColumnSelection): string {
  return selection.named === null ? '' : `(${selection.named.join(',')})`;
}

/**
 * The columns that a read returns, according to its `$select` and the settings.
 *
 * Throws 0x80060888 for names that are no properties, and 0x80060429 for more calculated columns than the settings
 * allow. Rollup columns are stored and do not count.
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
