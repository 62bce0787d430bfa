import { Failure } from '../../model/failure.ts';
import type { Link, PageRows, PlainPage, RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import type { FetchCondition } from '../fetchxml/fetch-query.ts';
import type { DataverseClient } from '../http/client.ts';
import { createRowReader } from './row-reader.ts';
import type { FoundRows } from './rows-by-key.ts';

/** Row versions above `above`, and up to `upTo`; null for no limit. */
export interface VersionWindow {
  readonly above: bigint | null;
  readonly upTo: bigint | null;
}

export const ALL_VERSIONS: VersionWindow = { above: null, upTo: null };

export function isWindowed({ above, upTo }: VersionWindow): boolean {
  return above !== null || upTo !== null;
}

/** Rows of one table as they are now, with their versions, to be compared with the mirror. */
export interface ComparisonRead {
  /**
   * The first page of the rows in a window. The last page has no link.
   *
   * @throws Failure `page-timed-out` after the time-out of a page of a window: the environment has to look at every row
   *   for it, and a page of fewer rows would not be quicker.
   */
  begin(window: VersionWindow, signal: AbortSignal): Promise<PlainPage>;
  /** The next page of the rows in a window. @throws Failure as `begin` does */
  follow(link: Link, window: VersionWindow, signal: AbortSignal): Promise<PlainPage>;
  /**
   * A row as a page of that row alone; null when it is gone. Only a request for the row itself tells a row that is gone
   * from a row that the identity may not read.
   */
  readRow(id: RowId, signal: AbortSignal): Promise<PageRows | 'unreadable' | null>;
  /** Rows, many to a request. */
  readRows(ids: readonly RowId[], signal: AbortSignal): Promise<FoundRows>;
}

/**
 * The read follows no change feed, so it needs no change tracking and disturbs none. Its pages come in the order of
 * the whole key ("Page results": without a unique order, pages repeat rows and leave others out).
 *
 * @param table with the columns to read; see `withKeysAlone`.
 * @param pageSize rows; the environment gives fewer of some tables.
 * @param what `keys` if `table` has keys and versions alone: these pages are small, and say nothing of the size of
 *   others.
 */
export function createComparisonRead(
  client: DataverseClient,
  table: Table,
  pageSize: number,
  what: 'keys' | 'rows',
): ComparisonRead {
  const rows = createRowReader(client, table, pageSize, {
    rowPriority: 'verification',
    ...(what === 'keys' ? { sizesOf: `${table.logicalName}, keys` } : {}),
  });
  const keys = table.partition === undefined ? [table.key] : [table.key, table.partition];
  const order = `$orderby=${keys.map((key) => `${encodeURIComponent(key)}%20asc`).join(',')}`;
  return {
    begin: async (window, signal) =>
      rows.begin(
        {
          options: [...filter(table, window), order],
          conditions: conditionsOf(table, window),
          priority: 'verification',
          whole: isWindowed(window),
        },
        signal,
      ),
    follow: async (link, window, signal) =>
      rows.follow(link, 'verification', signal, { whole: isWindowed(window) }),
    async readRow(id, signal) {
      try {
        return await rows.row(id, signal);
      } catch (error) {
        if (error instanceof Failure && error.details['status'] === 403) return 'unreadable';
        throw error;
      }
    },
    readRows: async (ids, signal) => rows.rows(ids, signal),
  };
}

function conditionsOf({ version }: Table, { above, upTo }: VersionWindow): FetchCondition[] {
  if (version === undefined) return [];
  const bounds = [
    { operator: 'gt', bound: above },
    { operator: 'le', bound: upTo },
  ] as const;
  return bounds.flatMap(({ operator, bound }) =>
    bound === null ? [] : [{ attribute: version, operator, values: [String(bound)] }],
  );
}

function filter({ version }: Table, { above, upTo }: VersionWindow): string[] {
  if (version === undefined) return [];
  const conditions = [
    ...(above === null ? [] : [`${version} gt ${above}`]),
    ...(upTo === null ? [] : [`${version} le ${upTo}`]),
  ];
  return conditions.length === 0 ? [] : [`$filter=${encodeURIComponent(conditions.join(' and '))}`];
}
