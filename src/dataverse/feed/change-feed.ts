import { Failure } from '../../model/failure.ts';
import type { Link, Page, PageRows, PlainPage, RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import type { Priority } from '../budget/budget.ts';
import type { DataverseClient } from '../http/client.ts';
import type { ParsedPage } from '../page/page-parser.ts';
import { createRowReader } from './row-reader.ts';
import { probeVirtual } from './virtual-probe.ts';
import type { FoundRows } from './rows-by-key.ts';

/** The rows of one table, as pages. */
export interface PageSource {
  /** The first page of a load. */
  begin(signal: AbortSignal): Promise<PlainPage>;
  /** The page that a link leads to; `priority` tells the pages of a load from those of a delta. */
  follow(link: Link, priority: Priority, signal: AbortSignal): Promise<PlainPage>;
  /** A row as it is now, as a page of that row alone; null when it is gone. */
  readRow(id: RowId, signal: AbortSignal): Promise<PageRows | null>;
  /** Rows as they are now, many to a request. */
  readRows(ids: readonly RowId[], signal: AbortSignal): Promise<FoundRows>;
}

/** The change feed of one table: every page of it has a link. */
export interface ChangeFeed extends PageSource {
  begin(signal: AbortSignal): Promise<Page>;
  follow(link: Link, priority: Priority, signal: AbortSignal): Promise<Page>;
}

/**
 * @param pageSize rows; the environment gives fewer of some tables.
 * @param observe told the environment's metadata version as it comes with the pages.
 */
export function createChangeFeed(
  client: DataverseClient,
  table: Table,
  pageSize: number,
  observe?: (metadataVersion: string) => void,
): ChangeFeed {
  const rows = createRowReader(client, table, pageSize, { observe });

  /**
   * Reads a page that must have a link. An environment of version 8.2 was seen to leave the delta link out of
   * a last page when annotations were asked for. A page without a link is therefore read again without the
   * metadata version. If that helps, the version is not asked for any more.
   */
  async function readWithLink(read: (bare: boolean) => Promise<ParsedPage>): Promise<Page> {
    let page = await read(client.versionCostsLinks);
    if (page.link === null && !client.versionCostsLinks) {
      page.release?.();
      page = await read(true);
      client.versionCostsLinks = page.link !== null;
    }
    if (page.link === null) {
      page.release?.();
      throw noLink(table);
    }
    return { ...page, link: page.link };
  }

  return {
    async begin(signal) {
      if (table.isVirtual === true) await probeVirtual(client, table, signal);
      return readWithLink(async (bare) => rows.begin({ prefer: ['odata.track-changes'], bare }, signal));
    },
    follow: async (link, priority, signal) =>
      readWithLink(async (bare) => rows.follow(link, priority, signal, { bare })),
    readRow: async (id, signal) => rows.row(id, signal),
    readRows: async (ids, signal) => rows.rows(ids, signal),
  };
}

/**
 * A last page without a delta link does not end a read: every later change would be lost. An environment
 * with change tracking off may answer like this instead of with its error code.
 */
function noLink(table: Table): Failure {
  return new Failure({
    code: 'delta-link-missing',
    message: `The last page of table ${table.logicalName} came without a delta link.`,
    remedy: `Check that change tracking is on for ${table.logicalName} ("Track changes" in its advanced options).`,
    details: { table: table.logicalName },
  });
}
