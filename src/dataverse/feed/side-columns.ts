import { isSpelledOut, type PageRows } from '../../model/page.ts';
import { withCells, type SideCells } from '../page/combined-rows.ts';
import type { Table } from '../../model/table.ts';
import type { Priority } from '../budget/budget.ts';
import { isTooManyCalculated } from '../http/known-refusals.ts';
import type { DataverseClient } from '../http/client.ts';
import { batches, idsInRequest, keyFields, pagesByKey, rowId, rowNames } from './keyed-pages.ts';
import { omittedMembers, type Member, type Selection } from './selection.ts';
import { memberGroups } from './side-plan.ts';

/** Reads the columns that the request of a page could not name, by further requests ("side reads"). */
export interface SideColumns {
  /**
   * Fills the columns that `selection` left out, by plain requests for the same keys. These values may be newer than
   * the rows; the next delta brings the change. A row that is gone meanwhile gets nulls; its tombstone will come.
   *
   * @throws Failure
   */
  complete(rows: PageRows, selection: Selection, priority: Priority, signal: AbortSignal): Promise<PageRows>;
}

/** The end of a cell without a start: a null that was spelled out. */
const SPELLED_OUT = 1;

export function createSideColumns(client: DataverseClient, table: Table): SideColumns {
  const limits = client.calculatedLimits;
  const name = table.logicalName;
  const identity = keyFields(table);
  const propertyOf = (field: number): string => table.columns[field]?.property ?? '';

  async function readAll(
    page: PageRows,
    members: readonly Member[],
    priority: Priority,
    signal: AbortSignal,
  ): Promise<SideCells[]> {
    const names = rowNames(page, identity);
    const ids = idsOf(page, identity);
    const reads = memberGroups(members, limits.of(name)).flatMap((group) => {
      const fields = [...identity, ...group.flatMap((member) => member.fields)];
      const select = [...identity.map(propertyOf), ...group.map(({ property }) => property)];
      const size = idsInRequest(client, table, select);
      return batches(ids, size).map((batch) => async (): Promise<SideCells[]> => {
        const properties = fields.map(propertyOf);
        const cells: SideCells[] = [];
        for await (const rows of pagesByKey(client, table, { select, properties, priority }, batch, signal)) {
          cells.push(cellsFor(names, rows, fields, identity.length));
        }
        return cells;
      });
    });
    // One request goes first, so that a refusal costs a single request while the limit is not known.
    const first = (await reads[0]?.()) ?? [];
    const others = await Promise.all(reads.slice(1).map(async (read) => read()));
    return [first, ...others].flat();
  }

  return {
    async complete(page, selection, priority, signal) {
      const members = omittedMembers(table, selection).filter(
        // A link may write its selection differently from the request, so the rows decide what they contain.
        ({ fields }) => !fields.some((field) => isSpelledOut(page, field)),
      );
      if (page.rows === 0 || members.length === 0) return page;
      for (;;) {
        const calculated = members.filter((member) => member.calculated).length;
        const named = Math.min(limits.of(name), calculated);
        try {
          const whole = withCells(page, await readAll(page, members, priority, signal));
          spellOutGone(whole, members);
          return whole;
        } catch (error) {
          if (!isTooManyCalculated(error) || named <= 1) throw error;
          limits.refused(name, named);
        }
      }
    },
  };
}

/** A row that no side read returned is gone. Its cells become spelled-out nulls, so that they do not count as lost. */
function spellOutGone({ cells, width, rows }: PageRows, members: readonly Member[]): void {
  const fields = members.flatMap((member) => member.fields);
  for (let row = 0; row < rows; row++) {
    const end = (field: number): number => 2 * (row * width + field) + 1;
    if (fields.some((field) => cells[end(field)] !== 0)) continue;
    for (const field of fields) cells[end(field)] = SPELLED_OUT;
  }
}

function idsOf(page: PageRows, identity: readonly number[]): string[] {
  const ids = new Set<string>();
  for (let row = 0; row < page.rows; row++) {
    const id = rowId(page, row, identity);
    if (id !== undefined) ids.add(id.key);
  }
  return [...ids];
}

/** @param rows begin with the key, in `keyWidth` fields; the other fields fill `fields` of the page. */
function cellsFor(
  names: readonly (string | undefined)[],
  rows: PageRows,
  fields: readonly number[],
  keyWidth: number,
): SideCells {
  const found = new Map(
    rowNames(
      rows,
      Array.from({ length: keyWidth }, (_, field) => field),
    ).map((name, row) => [name, row]),
  );
  found.delete(undefined);
  return {
    rows,
    rowOf: Int32Array.from(names, (name) => found.get(name) ?? -1),
    fields: fields.map((field, at) => (at < keyWidth ? -1 : field)),
  };
}
