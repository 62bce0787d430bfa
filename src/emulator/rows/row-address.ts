import { badRequest } from '../web-api/dataverse-error.ts';
import type { QueryOptions } from '../web-api/query-options.ts';
import { PARTITION } from '../store/table-data.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

/** The row that a request names. */
export interface RowAddress {
  readonly id: string;
  /** The partition of the row in an elastic table; null if the request names none. */
  readonly partition: string | null;
}

const GUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const MEMBER = /(\w+)=(?:'((?:[^']|'')*)'|([^,']*))(?:,(?=\w)|$)/y;

/**
 * Reads a key predicate: `(<id>)`, `(accountid=<id>)`, and on elastic tables the alternate key
 * `(new_telemetryid=<id>,partitionid='device-1')` or the query parameter `partitionId='device-1'`.
 *
 * Source: Microsoft, "Use elastic tables", specifying PartitionId. Throws 400 for any other form.
 */
export function rowAddress(table: TableDefinition, predicate: string, options: QueryOptions): RowAddress {
  if (GUID.test(predicate))
    return { id: predicate.toLowerCase(), partition: partitionOption(table, options) };
  const members = new Map<string, string>();
  MEMBER.lastIndex = 0;
  while (MEMBER.lastIndex < predicate.length) {
    const match = MEMBER.exec(predicate);
    if (match === null) throw malformed(predicate);
    members.set((match[1] ?? '').toLowerCase(), match[2]?.replaceAll("''", "'") ?? match[3] ?? '');
  }
  const id = members.get(table.primaryIdAttribute);
  const partition = members.get(PARTITION);
  const expected = partition === undefined ? 1 : 2;
  const known = partition === undefined || table.tableType === 'Elastic';
  if (id === undefined || !GUID.test(id) || members.size !== expected || !known) throw malformed(predicate);
  return { id: id.toLowerCase(), partition: partition ?? partitionOption(table, options) };
}

/** The partition that the query parameter `partitionId` names, with or without the documented quotes. */
export function partitionOption(table: TableDefinition, options: QueryOptions): string | null {
  const value = table.tableType === 'Elastic' ? options.get('partitionId') : undefined;
  if (value === undefined) return null;
  return /^'(.*)'$/s.exec(value)?.[1]?.replaceAll("''", "'") ?? value;
}

function malformed(predicate: string): Error {
  return badRequest(`Bad Request - Error in query syntax: '${predicate}' is no key.`);
}
