import type { PageRows, RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import type { Priority } from '../budget/budget.ts';
import { FollowedLinks } from '../feed/endless-paging.ts';
import { batches, keyFields, rowId } from '../feed/keyed-pages.ts';
import { foundRows, notFiltered, type FoundRows } from '../feed/rows-by-key.ts';
import { includeAnnotations, LOOKUP_ANNOTATION, type Selection } from '../feed/selection.ts';
import type { DataverseClient } from '../http/client.ts';
import { pickRows } from '../page/combined-rows.ts';
import { PageBuffers } from '../page/page-buffers.ts';
import { parsePageInTurns } from '../page/page-parser.ts';
import type { RowShape } from '../page/row-collector.ts';
import { PAGING_ANNOTATIONS, type FetchQuery } from './fetch-query.ts';

/** Reads rows by their keys, out of those that a filter of FetchXML lets in. For a mirror, the others are gone. */
export interface FetchedRows {
  read(ids: readonly RowId[], selection: Selection, signal: AbortSignal): Promise<FoundRows>;
  /** @throws Failure with status 403 for a row that the identity may not read. */
  row(id: RowId, selection: Selection, signal: AbortSignal): Promise<PageRows | null>;
}

export interface FetchedRowParts {
  readonly fetch: FetchQuery;
  readonly shape: RowShape;
  readonly priority: Priority;
  /** A row whatever the filter says; null if it is gone. */
  readonly single: (id: RowId, signal: AbortSignal) => Promise<PageRows | null>;
  /** Fills versions and columns that an answer with this selection lacks. */
  readonly fill: (page: PageRows, selection: Selection, signal: AbortSignal) => Promise<PageRows>;
}

/** Ids in a request: each takes some sixty characters of the address. */
const MOST_IDS = 100;

export function createFetchedRows(
  client: DataverseClient,
  table: Table,
  parts: FetchedRowParts,
): FetchedRows {
  const { fetch, shape, priority, single, fill } = parts;
  const fields = keyFields(table);
  const prefer = [includeAnnotations([...PAGING_ANNOTATIONS, LOOKUP_ANNOTATION])];

  async function readBatch(
    keys: readonly string[],
    selection: Selection,
    signal: AbortSignal,
  ): Promise<PageRows[]> {
    const asked = new Set(keys);
    const followed = new FollowedLinks();
    const pages: PageRows[] = [];
    let url = fetch.first(selection, [{ attribute: table.key, operator: 'in', values: keys }]);
    for (;;) {
      const request = { url, priority, countedFor: table.logicalName, prefer };
      const page = await client.get(request, signal, async ({ body }) =>
        parsePageInTurns(body, shape, new PageBuffers()),
      );
      for (let row = 0; row < page.rows; row++) {
        const id = rowId(page, row, fields);
        if (id === undefined || !asked.has(id.key)) throw notFiltered(table.logicalName);
      }
      pages.push(await fill(page, selection, signal));
      const next = fetch.linkAfter(url, page.paging ?? {}, page.rows);
      if (next === null) return pages;
      url = next.url;
      followed.add(url);
    }
  }

  async function read(ids: readonly RowId[], selection: Selection, signal: AbortSignal): Promise<FoundRows> {
    const keys = [...new Set(ids.map(({ key }) => key.toLowerCase()))];
    const pages: PageRows[] = [];
    for (const batch of batches(keys, MOST_IDS)) pages.push(...(await readBatch(batch, selection, signal)));
    return foundRows(pages, ids, fields, shape.width);
  }

  return {
    read,
    async row(id, selection, signal) {
      const { rows, rowOf } = await read([id], selection, signal);
      const at = rowOf[0] ?? -1;
      if (at >= 0) return pickRows(rows, [at]);
      // The row is gone, or the filter keeps it out. Its own request tells whether the identity may read it at all.
      await single(id, signal);
      return null;
    },
  };
}
