import { cellText, type PageRows, type RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import { includeAnnotations, LOOKUP_ANNOTATION } from '../http/annotations.ts';
import type { Priority } from '../budget/budget.ts';
import { API_PATH, type DataverseClient, type Request } from '../http/client.ts';
import { FollowedLinks } from './followed-links.ts';
import { absoluteLink } from '../http/origin.ts';
import { PageBuffers } from '../page/page-buffers.ts';
import { parsePageInTurns, RowShape, type ParsedPage } from '../page/page-parser.ts';
import { query, type Selection } from './selection.ts';
import { keyFilter, keysInRequest } from './side-plan.ts';

/** What to read of rows that are named by their ids. */
export interface KeyedQuery {
  readonly select: Selection;
  /** The members to keep of each row, in this order. */
  readonly properties: readonly string[];
  readonly priority: Priority;
  /** Bytes of an answer at most; the client's limit without it. */
  readonly largest?: number;
  /**
   * A refusal is about this form of a request, which not every source needs to know: a 404 does not say
   * that there is no such table.
   */
  readonly mayBeUnknown?: boolean;
}

/**
 * The rows with these ids, many to a request, as pages of plain reads: of all partitions where the table
 * has such. All pages together are the whole answer; an id that is in none of them is gone.
 *
 * @throws Failure
 */
export async function* pagesByKey(
  client: DataverseClient,
  table: Table,
  { select, properties, priority, largest, mayBeUnknown }: KeyedQuery,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ParsedPage, void, void> {
  const name = table.logicalName;
  const shape = new RowShape(properties);
  const followed = new FollowedLinks();
  let url = `${table.entitySet}${query(select, keyFilter(propertyOf(table, table.key), ids))}`;
  for (;;) {
    const request: Request = {
      url,
      ...(mayBeUnknown === true ? { countedFor: name } : { table: name }),
      priority,
      ...(largest === undefined ? {} : { largest }),
      ...(properties.some(isAnnotation) ? { prefer: [includeAnnotations([LOOKUP_ANNOTATION])] } : {}),
    };
    const { page, next } = await client.get(request, signal, async (answer) => {
      const read = await parsePageInTurns(answer.body, shape, new PageBuffers());
      const link = read.link === null ? null : absoluteLink(read.link.url, client.origin, answer.url);
      return { page: read, next: link };
    });
    yield page;
    if (next === null) return;
    url = next;
    followed.add(url);
  }
}

/** How many ids one request can name beside such a selection. */
export function idsInRequest(client: DataverseClient, table: Table, select: Selection): number {
  const base = `${client.origin}${API_PATH}${table.entitySet}`;
  return keysInRequest(base, propertyOf(table, table.key), select ?? []);
}

/** The member of the source's rows that fills the column of a name. */
function propertyOf(table: Table, name: string): string {
  return table.columns.find((column) => column.name === name)?.property ?? name;
}

function isAnnotation(property: string): boolean {
  return property.includes('@');
}

/** Positions of the whole key in the table's columns: the id and, where it has such, the partition. */
export function keyFields(table: Table): number[] {
  return [table.key, table.partition].flatMap((wanted) =>
    table.columns.flatMap((column, field) => (column.name === wanted ? [field] : [])),
  );
}

/** A row's whole key as one text. */
export function rowName({ key, partition }: RowId): string {
  const inPartition = partition === undefined || partition === null ? '' : `,${partition}`;
  return key.toLowerCase() + inPartition;
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What tells a row from the others; undefined where it has no id that could be asked for. */
export function rowId(page: PageRows, row: number, fields: readonly number[]): RowId | undefined {
  const [key, partition] = fields.map((field) => cellText(page, row, field));
  const id = key?.toLowerCase();
  if (id === undefined || !GUID.test(id)) return undefined;
  return partition === undefined ? { key: id } : { key: id, partition };
}

/** Each row's whole key as one text; undefined where it has none. */
export function rowNames(page: PageRows, fields: readonly number[]): (string | undefined)[] {
  return Array.from({ length: page.rows }, (_, row) => {
    const id = rowId(page, row, fields);
    return id === undefined ? undefined : rowName(id);
  });
}

export function batches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
