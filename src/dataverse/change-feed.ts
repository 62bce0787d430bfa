import { Failure } from '../model/failure.ts';
import type { Link, Page, PageRows, RowId } from '../model/page.ts';
import type { Table } from '../model/table.ts';
import { unexpectedAnswer, type Answer, type DataverseClient, type Request } from './client.ts';
import type { Priority } from './budget.ts';
import { parsePageInTurns, parseRow, RowShape } from './page-parser.ts';

/** The change feed of one table, as pages. */
export interface ChangeFeed {
  /** The first page of a baseline. */
  begin(signal: AbortSignal): Promise<Page>;
  /** The page a link leads to; `priority` tells a baseline's pages from a delta's. */
  follow(link: Link, priority: Priority, signal: AbortSignal): Promise<Page>;
  /** A row as it is now, as a page of that row alone; null when it is gone. */
  readRow(id: RowId, signal: AbortSignal): Promise<PageRows | null>;
}

/**
 * A URL longer than this is asked for without `$select`: GET takes 32 KB, and next links repeat the
 * selection beside a long cookie.
 */
const LONGEST_SELECT = 20_000;

const LOOKUP_ANNOTATION = 'Microsoft.Dynamics.CRM.lookuplogicalname';
const VERSION_ANNOTATION = 'Microsoft.Dynamics.CRM.globalmetadataversion';

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
  const shape = new RowShape(table.columns.map((column) => column.property));
  const annotated = table.columns.some((column) => !column.selectable);
  // Page size and annotations are preferences of one request: a link does not carry them.
  const annotations = annotated ? [LOOKUP_ANNOTATION, VERSION_ANNOTATION] : [VERSION_ANNOTATION];
  const prefer = [
    `odata.maxpagesize=${Math.min(pageSize, table.largestPage ?? pageSize)}`,
    includeAnnotations(annotations),
  ];
  const select = selectOption(table);

  async function fetchPage(request: Request, signal: AbortSignal): Promise<Page> {
    const answer = await client.get({ ...request, table: table.logicalName }, signal);
    const page = await parsed(answer, request, async () => parsePageInTurns(answer.body, shape));
    if (page.metadataVersion !== undefined) observe?.(page.metadataVersion);
    if (page.link === null) throw noLink(table);
    return { ...page, link: page.link };
  }

  async function parsed<T>(answer: Answer, request: Request, parse: () => Promise<T>): Promise<T> {
    try {
      return await parse();
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
      throw unexpectedAnswer({ ...request, table: table.logicalName }, answer.headers, error);
    }
  }

  return {
    begin: async (signal) =>
      fetchPage(
        {
          url: `${table.entitySet}${select}`,
          priority: 'baseline',
          prefer: ['odata.track-changes', ...prefer],
        },
        signal,
      ),
    follow: async (link, priority, signal) =>
      fetchPage({ url: link.url, link: link.kind, priority, prefer }, signal),
    async readRow({ key }, signal) {
      const request: Request = {
        url: `${table.entitySet}(${key})${select}`,
        priority: 'delta',
        ...(annotated ? { prefer: [includeAnnotations([LOOKUP_ANNOTATION])] } : {}),
      };
      try {
        // Not about the table: a 404 here says that the row is gone.
        const answer = await client.get(request, signal);
        return await parsed(answer, request, async () => parseRow(answer.body, shape));
      } catch (error) {
        if (error instanceof Failure && error.details['status'] === 404) return null;
        throw error;
      }
    },
  };
}

function includeAnnotations(names: readonly string[]): string {
  return `odata.include-annotations="${names.join(',')}"`;
}

function selectOption(table: Table): string {
  const properties = table.columns.filter((column) => column.selectable).map((column) => column.property);
  const select = `?$select=${properties.map(encodeURIComponent).join(',')}`;
  return select.length > LONGEST_SELECT ? '' : select;
}

/**
 * A last page without a delta link is no end: taking it for one would lose every later change. An
 * environment where change tracking is off may answer like this instead of with its error code.
 */
function noLink(table: Table): Failure {
  return new Failure({
    code: 'delta-link-missing',
    reaction: 'stop-table',
    message: `The last page of table ${table.logicalName} came without a delta link.`,
    remedy: `Check that change tracking is on for ${table.logicalName} ("Track changes" in its advanced options).`,
    details: { table: table.logicalName },
  });
}
