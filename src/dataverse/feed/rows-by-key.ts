import { Failure } from '../../model/failure.ts';
import type { PageRows, RowId } from '../../model/page.ts';
import { joinPages, pickRows } from '../page/combined-rows.ts';
import type { Table } from '../../model/table.ts';
import type { Priority } from '../budget/budget.ts';
import { isTooManyCalculated } from '../http/known-refusals.ts';
import type { DataverseClient } from '../http/client.ts';
import { batches, idsInRequest, keyFields, pagesByKey, rowId, rowName } from './keyed-pages.ts';
import type { ParsedPage } from '../page/page-parser.ts';
import { AnswerTooLarge } from '../http/response-body.ts';
import type { Selection } from './selection.ts';

/** Rows in their current state. */
export interface FoundRows {
  readonly rows: PageRows;
  /** For each requested id its row in `rows`; below 0 if the row is gone. */
  readonly rowOf: Int32Array;
}

export interface KeyedReadOptions {
  readonly priority: Priority;
  /** Requests for single rows at most, if the source cannot read rows together. */
  readonly singles: number;
}

/** Reads rows by their keys, with all columns, many in one request. */
export interface RowsByKey {
  /**
   * A row that is missing from a whole answer is gone. An answer with rows that were not requested was not
   * filtered, so nothing follows for rows that it lacks. A single row is requested by its own address.
   *
   * @throws Failure; `isUnknownForm` is true for it if the source does not support such requests.
   */
  read(
    ids: readonly RowId[],
    selection: Selection,
    options: KeyedReadOptions,
    signal: AbortSignal,
  ): Promise<FoundRows>;
}

export interface RowParts {
  /** A row in its current state, as a page of that row alone; null if it is gone. */
  readonly single: (id: RowId, signal: AbortSignal) => Promise<PageRows | null>;
  /** Fills versions and columns that an answer with this selection lacks. */
  readonly fill: (page: ParsedPage, selection: Selection, signal: AbortSignal) => Promise<PageRows>;
}

/** Ids in a request at most, so that the size of the answer stays predictable. */
const MOST_IDS = 250;

export function createRowsByKey(client: DataverseClient, table: Table, parts: RowParts): RowsByKey {
  const name = table.logicalName;
  const fields = keyFields(table);
  const sizes = client.pageSizes;
  const properties = table.columns.map(({ property }) => property);
  /** The failure that made the reader ask for rows one by one. */
  let unknownForm: Failure | undefined;

  async function readBatch(
    keys: readonly string[],
    selection: Selection,
    priority: Priority,
    signal: AbortSignal,
  ): Promise<PageRows[]> {
    const asked = new Set(keys);
    // A single row may be larger than a page.
    const largest = keys.length === 1 ? undefined : sizes.pageBytes;
    const query = {
      select: selection,
      properties,
      priority,
      mayBeUnknown: true,
      ...(largest === undefined ? {} : { largest }),
    };
    const read: PageRows[] = [];
    try {
      for await (const page of pagesByKey(client, table, query, keys, signal)) {
        for (let row = 0; row < page.rows; row++) {
          const id = rowId(page, row, fields);
          if (id === undefined || !asked.has(id.key)) throw notFiltered(name);
        }
        read.push(await parts.fill(page, selection, signal));
      }
      return read;
    } catch (error) {
      const isTooLarge = error instanceof Failure && error.cause instanceof AnswerTooLarge;
      if (!isTooLarge || keys.length === 1) throw error;
      const middle = keys.length >> 1;
      return [
        ...(await readBatch(keys.slice(0, middle), selection, priority, signal)),
        ...(await readBatch(keys.slice(middle), selection, priority, signal)),
      ];
    }
  }

  async function readSingles(
    ids: readonly RowId[],
    { singles }: KeyedReadOptions,
    signal: AbortSignal,
  ): Promise<PageRows[]> {
    if (unknownForm !== undefined && ids.length > singles) throw unknownForm;
    // All at once: the budget limits how many are in flight.
    const rows = await Promise.all(ids.map(async (id) => parts.single(id, signal)));
    return rows.filter((row) => row !== null);
  }

  return {
    async read(ids, selection, options, signal) {
      const keys = [...new Set(ids.map(({ key }) => key.toLowerCase()))];
      const fitting = Math.min(idsInRequest(client, table, selection), MOST_IDS);
      const size = Math.max(1, sizes.next(name, fitting, 'goes-on').rows);
      const read: PageRows[] = [];
      // One batch after the other, because their memory is not counted.
      for (const batch of batches(keys, size)) {
        if (unknownForm === undefined && ids.length > 1) {
          try {
            read.push(...(await readBatch(batch, selection, options.priority, signal)));
            continue;
          } catch (error) {
            if (!isUnknownForm(error)) throw error;
            unknownForm = error;
          }
        }
        const inBatch = new Set(batch);
        const those = ids.filter(({ key }) => inBatch.has(key.toLowerCase()));
        read.push(...(await readSingles(those, options, signal)));
      }
      return foundRows(read, ids, fields, properties.length);
    },
  };
}

/** The rows of answers, by the ids that were asked for. @param fields positions of the key. */
export function foundRows(
  read: readonly PageRows[],
  ids: readonly RowId[],
  fields: readonly number[],
  width: number,
): FoundRows {
  const none: PageRows = { bytes: new Uint8Array(0), width, rows: 0, cells: new Int32Array(0) };
  const rows = read.length === 0 ? none : joinPages(read);
  const found = new Map<string, number>();
  for (let row = 0; row < rows.rows; row++) {
    const id = rowId(rows, row, fields);
    if (id !== undefined) found.set(rowName(id), row);
  }
  return { rows, rowOf: Int32Array.from(ids, (id) => found.get(rowName(id)) ?? -1) };
}

/** The rows that were found. */
export function livingRows({ rows, rowOf }: FoundRows): PageRows {
  return pickRows(
    rows,
    [...new Set(rowOf)].filter((row) => row >= 0),
  );
}

/**
 * Whether a request failed because of its form, so that the rows may still be readable one by one. A missing
 * privilege, passing trouble or too many calculated columns have other causes.
 */
export function isUnknownForm(error: unknown): error is Failure {
  if (!(error instanceof Failure) || isTooManyCalculated(error)) return false;
  if (error.code === 'filter-ignored') return true;
  if (error.code === 'unexpected-answer') return true;
  const status = Number(error.details['status']);
  return error.code === 'request-refused' && ((status >= 400 && status < 500) || status === 501);
}

export function notFiltered(table: string): Failure {
  return new Failure({
    code: 'filter-ignored',
    message: `A request for some rows of table ${table} was answered with others.`,
    details: { table },
  });
}
