import { cellText, isSpelledOut, withCells, type PageRows, type SideCells } from '../model/page.ts';
import type { Table } from '../model/table.ts';
import { includeAnnotations, LOOKUP_ANNOTATION } from './annotations.ts';
import type { Priority } from './budget.ts';
import { isTooManyCalculated } from './calculated-limits.ts';
import { API_PATH, type DataverseClient, type Request } from './client.ts';
import { FollowedLinks } from './followed-links.ts';
import { absoluteLink } from './origin.ts';
import { PageBuffers } from './page-buffers.ts';
import { parsePageInTurns, RowShape } from './page-parser.ts';
import { membersBeside, query, type Member, type Selection } from './selection.ts';
import { keyFilter, keysInRequest, memberGroups } from './side-plan.ts';

/** Reads the columns that a page's own request could not carry, beside it. */
export interface SideColumns {
  /**
   * The rows with the cells of the columns that `selection` left out, by plain reads of the same keys.
   * They may be newer than the rows; what made them so comes with the next delta. A row that is gone
   * meanwhile keeps nulls: its tombstone comes.
   *
   * @throws Failure
   */
  complete(rows: PageRows, selection: Selection, priority: Priority, signal: AbortSignal): Promise<PageRows>;
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createSideColumns(client: DataverseClient, table: Table): SideColumns {
  const limits = client.calculatedLimits;
  const name = table.logicalName;
  const identity = [table.key, table.partition].flatMap((wanted) =>
    table.columns.flatMap((column, field) => (column.name === wanted ? [field] : [])),
  );
  const propertyOf = (field: number): string => table.columns[field]?.property ?? '';

  async function readAll(
    page: PageRows,
    members: readonly Member[],
    priority: Priority,
    signal: AbortSignal,
  ): Promise<SideCells[]> {
    const rowNames = namesOf(page, identity);
    const ids = [...new Set(idsOf(page, identity[0] ?? 0))];
    const reads = memberGroups(members, limits.of(name)).flatMap((group) => {
      const fields = [...identity, ...group.flatMap((member) => member.fields)];
      const select = [...identity.map(propertyOf), ...group.map(({ property }) => property)];
      const size = keysInRequest(`${client.origin}${API_PATH}${table.entitySet}`, table.key, select);
      return batches(ids, size).map((batch) => async (): Promise<SideCells[]> => {
        const read = await readBatch(select, fields.map(propertyOf), batch, priority, signal);
        return read.map((rows) => cellsFor(rowNames, rows, fields, identity.length));
      });
    });
    // One first: while the limit is being found out, each refusal costs a single request.
    const first = (await reads[0]?.()) ?? [];
    const others = await Promise.all(reads.slice(1).map(async (read) => read()));
    return [first, ...others].flat();
  }

  async function readBatch(
    select: readonly string[],
    properties: readonly string[],
    ids: readonly string[],
    priority: Priority,
    signal: AbortSignal,
  ): Promise<PageRows[]> {
    const shape = new RowShape(properties);
    const pages: PageRows[] = [];
    const followed = new FollowedLinks();
    let url = `${table.entitySet}${query(select, keyFilter(propertyOf(identity[0] ?? 0), ids))}`;
    for (;;) {
      const request: Request = {
        url,
        table: name,
        priority,
        ...(properties.some(isAnnotation) ? { prefer: [includeAnnotations([LOOKUP_ANNOTATION])] } : {}),
      };
      const { page, next } = await client.get(request, signal, async (answer) => {
        const read = await parsePageInTurns(answer.body, shape, new PageBuffers());
        const link = read.link === null ? null : absoluteLink(read.link.url, client.origin, answer.url);
        return { page: read, next: link };
      });
      pages.push(page);
      if (next === null) return pages;
      url = next;
      followed.add(url);
    }
  }

  return {
    async complete(page, selection, priority, signal) {
      const members = membersBeside(table, selection).filter(
        // A link may word its selection differently from what was asked; the rows are the proof.
        ({ fields }) => !fields.some((field) => isSpelledOut(page, field)),
      );
      if (page.rows === 0 || members.length === 0) return page;
      for (;;) {
        const calculated = members.filter((member) => member.calculated).length;
        const named = Math.min(limits.of(name), calculated);
        try {
          return withCells(page, await readAll(page, members, priority, signal));
        } catch (error) {
          if (!isTooManyCalculated(error) || named <= 1) throw error;
          limits.refused(name, named);
        }
      }
    },
  };
}

function isAnnotation(property: string): boolean {
  return property.includes('@');
}

function idsOf(page: PageRows, keyField: number): string[] {
  return Array.from({ length: page.rows }, (_, row) => cellText(page, row, keyField)?.toLowerCase()).filter(
    (id) => id !== undefined && GUID.test(id),
  ) as string[];
}

/** Each row's whole key as one text; undefined where it has none. */
function namesOf(page: PageRows, identity: readonly number[]): (string | undefined)[] {
  return Array.from({ length: page.rows }, (_, row) => {
    const [key, partition] = identity.map((field) => cellText(page, row, field));
    if (key === undefined || key === null) return undefined;
    const inPartition = partition === undefined || partition === null ? '' : `,${partition}`;
    return key.toLowerCase() + inPartition;
  });
}

/** `rows` begin with the whole key, `keyWidth` fields; the others fill the page's `fields`. */
function cellsFor(
  rowNames: readonly (string | undefined)[],
  rows: PageRows,
  fields: readonly number[],
  keyWidth: number,
): SideCells {
  const found = new Map(
    namesOf(
      rows,
      Array.from({ length: keyWidth }, (_, field) => field),
    ).map((name, row) => [name, row]),
  );
  found.delete(undefined);
  return {
    rows,
    rowOf: Int32Array.from(rowNames, (name) => found.get(name) ?? -1),
    fields: fields.map((field, at) => (at < keyWidth ? -1 : field)),
  };
}

function batches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
