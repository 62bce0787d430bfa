import { cellText, type PageRows, type RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import type { Priority } from '../budget/budget.ts';
import type { DataverseClient, Request } from '../http/client.ts';
import { FollowedLinks } from './endless-paging.ts';
import { absoluteLink } from '../http/origin.ts';
import { PageBuffers } from '../page/page-buffers.ts';
import { parsePageInTurns, type ParsedPage } from '../page/page-parser.ts';
import { RowShape } from '../page/row-collector.ts';
import { includeAnnotations, LOOKUP_ANNOTATION, query, type Selection } from './selection.ts';
import { keyFilter, keysInRequest } from './side-plan.ts';

/** What a request reads of rows that it names by their ids. */
export interface KeyedQuery {
  readonly select: Selection;
  /** The members to keep of each row, in this order. */
  readonly properties: readonly string[];
  readonly priority: Priority;
  /** Bytes of an answer at most; the default is the limit of the client. */
  readonly largest?: number;
  /** The source may not support this form of a request: a 404 then does not mean that the table is unknown. */
  readonly mayBeUnknown?: boolean;
}

/**
 * Reads the rows with these ids, in all partitions, as pages of plain requests for many ids each. A row whose
 * id is on none of the pages is gone.
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

/** How many ids one request can name together with the selection. */
export function idsInRequest(client: DataverseClient, table: Table, select: Selection): number {
  const base = client.root + table.entitySet;
  return keysInRequest(base, propertyOf(table, table.key), select ?? []);
}

/** The member of the source's rows that fills the column `name`. */
function propertyOf(table: Table, name: string): string {
  return table.columns.find((column) => column.name === name)?.property ?? name;
}

function isAnnotation(property: string): boolean {
  return property.includes('@');
}

/** Positions of the key among the table's columns: the id and, if the table has one, the partition. */
export function keyFields(table: Table): number[] {
  return [table.key, table.partition].flatMap((wanted) =>
    table.columns.flatMap((column, field) => (column.name === wanted ? [field] : [])),
  );
}

/** The key of a row, id and partition, as one text. */
export function rowName({ key, partition }: RowId): string {
  const inPartition = partition === undefined || partition === null ? '' : `,${partition}`;
  return key.toLowerCase() + inPartition;
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The key of a row; undefined if the row has no id that a request could name. */
export function rowId(page: PageRows, row: number, fields: readonly number[]): RowId | undefined {
  const [key, partition] = fields.map((field) => cellText(page, row, field));
  const id = key?.toLowerCase();
  if (id === undefined || !GUID.test(id)) return undefined;
  return partition === undefined ? { key: id } : { key: id, partition };
}

/** The key of each row as one text; undefined for a row without one. */
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
