import type { Table } from '../../model/table.ts';
import type { DataverseClient } from '../http/client.ts';
import type { PageSource } from './change-feed.ts';
import { createRowReader } from './row-reader.ts';

/**
 * All rows of one table without change tracking; the last page has no link. The pages come in the order of the whole
 * key: without an order that is unique, pages repeat rows and leave others out ("Page results", ordering and paging).
 *
 * @param pageSize rows; the environment gives fewer of some tables.
 * @param observe called with the environment's metadata version, which comes with the pages.
 */
export function createFullRead(
  client: DataverseClient,
  table: Table,
  pageSize: number,
  observe?: (metadataVersion: string) => void,
): PageSource {
  // The rows of a full read replace the rows in the mirror whatever their versions, so they need none.
  const { version: _, ...unversioned } = table;
  const rows = createRowReader(client, unversioned, pageSize, { observe });
  const keys = table.partition === undefined ? [table.key] : [table.key, table.partition];
  const order = `$orderby=${keys.map((key) => `${encodeURIComponent(key)}%20asc`).join(',')}`;
  return {
    begin: async (signal) => rows.begin({ options: [order] }, signal),
    follow: async (link, priority, signal) => rows.follow(link, priority, signal),
    readRow: async (id, signal) => rows.row(id, signal),
    readRows: async (ids, signal) => rows.rows(ids, signal),
  };
}
