import { Failure } from '../../model/failure.ts';
import type { Link, PageRows, RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import type { Priority } from '../budget/budget.ts';
import { isTooManyCalculated } from '../http/known-refusals.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import type { Answer } from '../http/success.ts';
import { EmptyPages } from './endless-paging.ts';
import { ETAG, fillFromEtags, rowsWithoutVersion, versionField } from '../page/etag-versions.ts';
import { createFetchQuery, PAGING_ANNOTATIONS, type FetchCondition } from '../fetchxml/fetch-query.ts';
import { createFetchedRows } from '../fetchxml/fetched-rows.ts';
import { anotherRow, keepsTimingOut, linkTooWide, unlessGone } from '../page/page-failures.ts';
import { completeRows } from './incomplete-rows.ts';
import { keyFields, rowId } from './keyed-pages.ts';
import { lookupFields, untypedRows } from '../page/lookup-types.ts';
import { absoluteLink } from '../http/origin.ts';
import { PageBuffers } from '../page/page-buffers.ts';
import { MemoryShort } from '../page/page-memory.ts';
import { EarlyRows } from '../page/early-rows.ts';
import { parsePageInTurns, parseRow, type ParsedPage } from '../page/page-parser.ts';
import { RowShape } from '../page/row-collector.ts';
import { afterTimeOut, afterTooLarge, afterTooMuch, type PageRequest } from '../page/page-sizes.ts';
import { AnswerTooLarge } from '../http/response-body.ts';
import { createRowsByKey, type FoundRows } from './rows-by-key.ts';
import {
  calculatedColumns,
  includeAnnotations,
  LOOKUP_ANNOTATION,
  query,
  selectionOfLink,
  storedSelection,
  wideSelection,
  type Selection,
} from './selection.ts';
import { createSideColumns } from './side-columns.ts';

/** Reads the rows of one table with all columns, in as many requests as that needs. */
export interface RowReader {
  /** The first page of a read. */
  begin(how: HowToBegin, signal: AbortSignal): Promise<ParsedPage>;
  /** The page that a link leads to. */
  follow(link: Link, priority: Priority, signal: AbortSignal, how?: HowToFollow): Promise<ParsedPage>;
  /** A row as it is now, as a page of that row alone; null when it is gone. */
  row(id: RowId, signal: AbortSignal): Promise<PageRows | null>;
  /** Rows as they are now, many to a request. */
  rows(ids: readonly RowId[], signal: AbortSignal): Promise<FoundRows>;
}

export interface HowToFollow {
  /** Does not ask for the metadata version. */
  readonly bare?: boolean;
  /** Fails with `page-timed-out` at a time-out, and does not ask for fewer rows. */
  readonly whole?: boolean;
}

export interface HowToBegin extends HowToFollow {
  /** Query options beside `$select`. */
  readonly options?: readonly string[];
  /** What a query in FetchXML has in place of `options`, beside its order. */
  readonly conditions?: readonly FetchCondition[];
  /** Preferences beside page size and annotations. */
  readonly prefer?: readonly string[];
  /** A baseline's, unless another is named. */
  readonly priority?: Priority;
}

/** What a reader may do otherwise than a feed. */
export interface ReaderOptions {
  /** Called with the environment's metadata version, which comes with the pages. */
  readonly observe?: ((metadataVersion: string) => void) | undefined;
  /** The name that the sizes of pages are remembered by. Pages of fewer columns have sizes of their own. */
  readonly sizesOf?: string;
  /** The priority of requests for rows by their ids; a delta's, unless another is named. */
  readonly rowPriority?: Priority;
}

/** How often a page is halved after a time-out of a gateway. A gateway that is down gives up on any request. */
const MAX_DOUBTS = 3;

/** Rows of a page that are read again one by one at most, if the source cannot read them together. */
const FEW_SINGLES = 20;
/** Bytes. The rows of an answer that is likely to be as large are read while the answer comes. */
const LARGE_PAGE = 1024 * 1024;

const VERSION_ANNOTATION = 'Microsoft.Dynamics.CRM.globalmetadataversion';

/**
 * One request names every column if it can. If the environment refuses so many calculated columns, the
 * selection keeps the stored columns, and side reads bring the others.
 *
 * @param pageSize rows; the environment gives fewer of some tables.
 */
export function createRowReader(
  client: DataverseClient,
  table: Table,
  pageSize: number,
  { observe, sizesOf = table.logicalName, rowPriority = 'delta' }: ReaderOptions = {},
): RowReader {
  const name = table.logicalName;
  const limits = client.calculatedLimits;
  const side = createSideColumns(client, table);
  const byKey = createRowsByKey(client, table, {
    single: async (id, signal) => readRow(id, signal),
    fill: async (page, selection, signal) => fill(page, selection, rowPriority, signal),
  });
  const version = versionField(table);
  const identity = keyFields(table);
  // The columns are in this shape too, because an entry without any of its members is not accepted as a row.
  const etagShape = new RowShape([ETAG, ...table.columns.map(({ property }) => property)]);
  const lookups = lookupFields(table);
  const shape = new RowShape(table.columns.map((column) => column.property));
  const annotated = table.columns.some((column) => !column.selectable);
  const sizes = client.pageSizes;
  const memory = client.pageMemory;
  const empty = new EmptyPages(name);
  const largestPage = Math.min(pageSize, table.largestPage ?? pageSize);

  const fetch = table.rows?.kind === 'fetchxml' ? createFetchQuery(table, table.rows.filter) : undefined;
  const fetched =
    fetch &&
    createFetchedRows(client, table, {
      fetch,
      shape,
      priority: rowPriority,
      single: async (id, signal) => readRow(id, signal),
      fill: async (page, selection, signal) => fill(page, selection, rowPriority, signal),
    });

  // Page size and annotations are preferences of each request: a link does not contain them. A query in FetchXML has the
  // page size in its address.
  function preferences(size: number, bare: boolean): string[] {
    const annotations = [
      ...(annotated ? [LOOKUP_ANNOTATION] : []),
      ...(bare ? [] : [VERSION_ANNOTATION]),
      ...(fetch === undefined ? [] : PAGING_ANNOTATIONS),
    ];
    const included = annotations.length === 0 ? [] : [includeAnnotations(annotations)];
    return [...(fetch === undefined ? [`odata.maxpagesize=${size}`] : []), ...included];
  }

  /**
   * Reads a page of at most `most` rows into reserved memory. If the memory runs out because other pages have
   * it, the page is given up, and requested again once there is enough memory for its largest size.
   */
  async function fetchPage(
    ask: PageAsk,
    most: number,
    selection: Selection,
    signal: AbortSignal,
  ): Promise<ParsedPage> {
    const asking = {
      asked: sizes.next(sizesOf, most, ask.link === 'next' ? 'goes-on' : 'begins'),
      doubts: 0,
    };
    let needed = sizes.expected(sizesOf);
    for (;;) {
      const buffers = new PageBuffers(memory, await memory.reserve(needed, signal));
      try {
        return await fetchInto(buffers, ask, asking, selection, signal);
      } catch (error) {
        buffers.release();
        if (!(error instanceof MemoryShort)) throw error;
        // The page had all memory for itself.
        if (needed >= memory.total) asking.asked = afterTooMuch(asking.asked, memory.total, name, error);
        needed = nextReservation(needed, asking.asked, memory.total);
      }
    }
  }

  async function fetchInto(
    buffers: PageBuffers,
    ask: PageAsk,
    asking: Asking,
    selection: Selection,
    signal: AbortSignal,
  ): Promise<ParsedPage> {
    const { value: page, rows } = await fetchAnswer(buffers, ask, asking, signal);
    if (page.metadataVersion !== undefined) observe?.(page.metadataVersion);
    empty.refuseMore(page);
    const filled = await fill(page, selection, ask.priority, signal);
    const whole = await completeRows(filled, page, table, async (ids) => readRows(ids, FEW_SINGLES, signal));
    buffers.add(extraMemory(page, whole));
    buffers.settle();
    sizes.measured(sizesOf, page.rows + page.tombstones.length, page.bytes.length, buffers.bytes);
    return { ...page, ...whole, link: withPageSize(page.link, rows), release: () => buffers.release() };
  }

  async function parsedPage(
    { body, url }: Answer,
    buffers: PageBuffers,
    early: EarlyRows | undefined,
    asked: string,
  ): Promise<ParsedPage> {
    const page = await parsePageInTurns(body, shape, buffers, early);
    if (fetch !== undefined) {
      const next = fetch.linkAfter(asked, page.paging ?? {}, page.rows);
      return { ...page, link: next && { ...next, url: absoluteLink(next.url, client.origin, url) } };
    }
    const { link } = page;
    return link === null
      ? page
      : { ...page, link: { ...link, url: absoluteLink(link.url, client.origin, url) } };
  }

  /**
   * Fills rows of an answer: missing versions from the etags, and the columns that the selection left out
   * from side reads. Hardly any page needs its etags, so they are parsed only then.
   */
  async function fill(
    page: PageRows,
    selection: Selection,
    priority: Priority,
    signal: AbortSignal,
    readEtags = async (etags: RowShape): Promise<PageRows> =>
      parsePageInTurns(page.bytes, etags, new PageBuffers()),
  ): Promise<PageRows> {
    const unversioned = version === undefined ? [] : rowsWithoutVersion(page, version);
    if (version !== undefined && unversioned.length > 0) {
      fillFromEtags(page, version, unversioned, await readEtags(etagShape));
    }
    const whole = await side.complete(page, selection, priority, signal);
    untypedRows(whole, lookups);
    return whole;
  }

  /** Requests a page with fewer and fewer rows until the answer is small enough and does not time out. */
  async function fetchAnswer(
    buffers: PageBuffers,
    { prefer, bare, whole, ...about }: PageAsk,
    asking: Asking,
    signal: AbortSignal,
  ): Promise<{ value: ParsedPage; rows: number }> {
    let timedOut = false;
    for (;;) {
      const { asked } = asking;
      const { rows, largest } = asked;
      const expected = sizes.lastOf(sizesOf);
      // Without an expectation, the cells would take too much memory or grow many times. What was read of an answer
      // counts for this request alone.
      const isLarge = expected !== undefined && expected >= LARGE_PAGE;
      const early = isLarge ? new EarlyRows(shape, buffers) : undefined;
      const fewer = afterTimeOut(rows);
      const url = fetch === undefined ? about.url : fetch.withRows(about.url, rows);
      const request: Request = {
        ...about,
        url,
        table: name,
        prefer: [...prefer, ...preferences(rows, bare)],
        largest,
        divisible: whole || (fewer !== undefined && asking.doubts < MAX_DOUBTS),
        buffers,
        ...(expected === undefined ? {} : { expected }),
        ...(early === undefined ? {} : { early }),
      };
      try {
        const value = await client.get(request, signal, async (answer) =>
          parsedPage(answer, buffers, early, url),
        );
        if (timedOut) sizes.limit(sizesOf, rows);
        return { value, rows };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (error.cause instanceof AnswerTooLarge) {
          sizes.measured(sizesOf, error.cause.entries, error.cause.allowed);
          asking.asked = afterTooLarge(asked, error.cause, memory.total, name);
        } else if (error.code === 'page-timed-out' && fewer !== undefined && !whole) {
          timedOut = true;
          if (error.details['certain'] !== true) asking.doubts++;
          asking.asked = { ...asked, rows: fewer };
        } else if (error.code === 'source-unavailable' && timedOut) {
          throw keepsTimingOut(name, rows, error);
        } else throw error;
      }
    }
  }

  /** Reads with the widest selection that the environment has not refused yet. */
  async function withSelection<T>(read: (selection: Selection) => Promise<T>): Promise<T> {
    if (Number.isFinite(limits.of(name))) return read(storedSelection(table));
    const selection = wideSelection(table);
    try {
      return await read(selection);
    } catch (error) {
      if (!refused(error, selection)) throw error;
      return read(storedSelection(table));
    }
  }

  function refused(error: unknown, selection: Selection): boolean {
    return isTooManyCalculated(error) && limits.refused(name, calculatedColumns(table, selection));
  }

  async function readRow({ key, partition }: RowId, signal: AbortSignal): Promise<PageRows | null> {
    return withSelection(async (selection) => {
      const url = `${table.entitySet}(${key})${query(selection, ...partitionOption(partition))}`;
      const request: Request = {
        url,
        priority: rowPriority,
        countedFor: name,
        ...(annotated ? { prefer: [includeAnnotations([LOOKUP_ANNOTATION])] } : {}),
      };
      const row = await unlessGone(async () =>
        client.get(request, signal, ({ body }) => parseRow(body, shape)),
      );
      if (row === null) return null;
      if (rowId(row, 0, identity)?.key !== key.toLowerCase()) throw anotherRow(name);
      return fill(row, selection, request.priority, signal, async (etags) => parseRow(row.bytes, etags));
    });
  }

  /** @param singles requests for single rows at most, if the source cannot read rows together. */
  async function readRows(ids: readonly RowId[], singles: number, signal: AbortSignal): Promise<FoundRows> {
    return withSelection(async (selection) =>
      byKey.read(ids, selection, { priority: rowPriority, singles }, signal),
    );
  }

  return {
    begin: async (
      {
        options = [],
        conditions = [],
        prefer: more = [],
        bare = false,
        whole = false,
        priority = 'baseline',
      },
      signal,
    ) =>
      withSelection(async (selection) => {
        const url = fetch?.first(selection, conditions) ?? table.entitySet + query(selection, ...options);
        return fetchPage({ url, priority, prefer: more, bare, whole }, largestPage, selection, signal);
      }),
    async follow(link, priority, signal, { bare = false, whole = false } = {}) {
      const selection = fetch === undefined ? selectionOfLink(link.url) : fetch.selectionOf(link.url);
      try {
        const ask: PageAsk = { url: link.url, link: link.kind, priority, prefer: [], bare, whole };
        const most = Math.min(link.pageSize ?? largestPage, largestPage);
        return await fetchPage(ask, most, selection, signal);
      } catch (error) {
        throw refused(error, selection) ? linkTooWide(name, error) : error;
      }
    },
    row: async (id, signal) =>
      fetched === undefined
        ? readRow(id, signal)
        : withSelection(async (selection) => fetched.row(id, selection, signal)),
    rows: async (ids, signal) =>
      fetched === undefined
        ? readRows(ids, Number.POSITIVE_INFINITY, signal)
        : withSelection(async (selection) => fetched.read(ids, selection, signal)),
  };
}

/** A request for a page, without the number of rows. */
type PageAsk = Pick<Request, 'url' | 'link' | 'priority'> & {
  readonly prefer: readonly string[];
  /** Does not ask for the metadata version. */
  readonly bare: boolean;
  /** Does not ask for fewer rows after a time-out. */
  readonly whole: boolean;
};

/** Bytes that a page joined with other answers takes beyond the page itself. */
function extraMemory(page: PageRows, whole: PageRows): number {
  const bytes = whole.bytes === page.bytes ? 0 : whole.bytes.length;
  return bytes + (whole.cells === page.cells ? 0 : whole.cells.byteLength);
}

/** How a page is currently requested. */
interface Asking {
  asked: PageRequest;
  /** How often the page was halved although its size may not be the cause. */
  doubts: number;
}

/** Bytes to reserve after the memory of a page ran out: the most that answer and cells may take, then all. */
function nextReservation(reserved: number, { largest }: PageRequest, total: number): number {
  const usual = Math.min(total, Math.ceil(1.25 * largest));
  return reserved < usual ? usual : total;
}

/** Adds to a next link the page size that its chain has reached, which later pages must not exceed. */
function withPageSize(link: Link | null, rows: number): Link | null {
  return link?.kind === 'next' ? { ...link, pageSize: rows } : link;
}

/** The parameter partitionId ("Use elastic tables"). A row without a partition is read by its id alone. */
function partitionOption(partition: string | null | undefined): string[] {
  if (partition === undefined || partition === null) return [];
  return [`partitionId='${encodeURIComponent(partition.replaceAll("'", "''"))}'`];
}
