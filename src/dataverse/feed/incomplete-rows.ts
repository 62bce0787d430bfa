import { cellText, hasVersion, withCells, type PageRows, type RowId } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import { rowsWithoutVersion, versionField } from '../page/etag-versions.ts';
import { keyFields, rowId } from './keyed-pages.ts';
import { lookupFields, untypedRows, type LookupFields } from '../page/lookup-types.ts';
import type { ParsedPage } from '../page/page-parser.ts';
import { isUnknownForm, type FoundRows } from './rows-by-key.ts';

/** Reads rows again. @throws Failure */
export type ReadAgain = (ids: readonly RowId[]) => Promise<FoundRows>;

/** Something that rows of a page lack. */
interface Lack {
  /** By number, ascending. */
  readonly rows: readonly number[];
  /** Whether the row that was read again has what row `row` of the page lacks. */
  readonly isFound: (again: PageRows, at: number, row: number) => boolean;
}

/** Rows of a page that are read again to learn what it means that something did not come. */
const SAMPLE = 200;

/**
 * Finds rows that lack something, and replaces them by themselves as a plain read has them:
 *
 * - a selected member that other rows of the page have. A source may leave nulls out, and then it means
 *   null; or it lost something on the way, and then null would overwrite what is known.
 * - the table of a lookup that has an id;
 * - the row version.
 *
 * What is right is learnt from a first request, for as many of the rows as it can name up to 200: where
 * none of them has more when it is read again, the others are not read. So a source that leaves nulls
 * out costs one request more a page, and one that loses something as many as its rows take. A page that
 * spells out a null, in whatever member, comes from no source that leaves nulls out: what does not come
 * in such a page, nor with the row read again, is lost.
 *
 * Versions and tables of lookups that are still lacking are the mirror's to judge, which knows the rows
 * that it has.
 *
 * @param came the page as it came, before what belongs to it was read beside.
 * @returns the page; a row that lacks a member for good is marked `incomplete`.
 * @throws Failure
 */
export async function completeRows(
  page: PageRows,
  came: ParsedPage,
  table: Table,
  read: ReadAgain,
): Promise<PageRows> {
  const lookups = lookupFields(table);
  const version = versionField(table);
  const uneven = came.isEven && page === came ? [] : unevenFields(page, table);
  const members: Lack = {
    rows: uneven.length === 0 ? [] : rowsLacking(page, uneven),
    isFound: (again, at, row) =>
      uneven.some((field) => isAbsent(page, row, field) && again.cells[2 * (at * again.width + field)] !== 0),
  };
  const types: Lack = {
    rows: lookups.length === 0 ? [] : untypedRows(page, lookups),
    isFound: (again, at, row) =>
      lookups.some((lookup) => isUntyped(page, row, lookup) && !isUntyped(again, at, lookup)),
  };
  const versions: Lack = {
    rows: version === undefined ? [] : rowsWithoutVersion(page, version),
    isFound: (again, at) => version !== undefined && hasVersion(again, at, version),
  };
  const lacks = [members, types, versions].filter(({ rows }) => rows.length > 0);
  if (lacks.length === 0) return page;
  const again = new RowsAgain(page, table, version, read);
  const all = union(lacks.map(({ rows }) => rows));
  await again.readRows(spread(all, SAMPLE));
  const spellsNull = members.rows.length > 0 && hasNull(came, table);
  const helped = lacks.filter((lack) => (lack === members && spellsNull) || again.helps(lack));
  await again.readRows(union(helped.map(({ rows }) => rows)));
  const meansNull = again.found > 0 && !helped.includes(members);
  const whole = again.page();
  const isLost = (row: number): boolean =>
    spellsNull ? uneven.some((field) => isAbsent(whole, row, field)) : !meansNull && !again.isReplaced(row);
  const lost = members.rows.filter(isLost);
  if (lost.length === 0) return whole;
  return { ...whole, incomplete: lackReasons(whole, table, lost, uneven) };
}

/** Why rows cannot be stored that lack one of these fields, by the number of the row. */
function lackReasons(
  page: PageRows,
  table: Table,
  rows: readonly number[],
  fields: readonly number[],
): Map<number, string> {
  const reason = (row: number): string => {
    const field = fields.find((each) => isAbsent(page, row, each)) ?? 0;
    return `column ${table.columns[field]?.name ?? ''}: its value did not come, nor when the row was read again`;
  };
  return new Map(rows.map((row) => [row, reason(row)]));
}

/**
 * Rows that were read by their keys, with those marked `incomplete` that still lack a member. Of rows that
 * one request names nothing follows from what all of them lack; only that they spell out another null.
 */
export function markIncomplete(rows: PageRows, table: Table): PageRows {
  if (!hasNull(rows, table)) return rows;
  const fields = ownFields(table);
  const lacking = rowsLacking(rows, fields);
  return lacking.length === 0 ? rows : { ...rows, incomplete: lackReasons(rows, table, lacking, fields) };
}

/** The rows of a page that were read again, and what the page is with them. */
class RowsAgain {
  /** How many of them were there, in no older version than they came in. */
  found = 0;
  private readonly sources: FoundRows[] = [];
  /** For each row of the page, which of the readings has it, and where; below 0 where none. */
  private readonly source: Int32Array;
  private readonly at: Int32Array;
  private readonly asked = new Set<number>();
  private isRefused = false;
  private readonly original: PageRows;
  private readonly fields: readonly number[];
  private readonly version: number | undefined;
  private readonly read: ReadAgain;

  constructor(page: PageRows, table: Table, version: number | undefined, read: ReadAgain) {
    this.original = page;
    this.fields = keyFields(table);
    this.version = version;
    this.read = read;
    this.source = new Int32Array(page.rows).fill(-1);
    this.at = new Int32Array(page.rows).fill(-1);
  }

  /** Reads those of the rows that were not read before. What the source cannot be asked for stays as it is. */
  async readRows(rows: readonly number[]): Promise<void> {
    const { original, fields, asked } = this;
    const wanted = rows.flatMap((row) => {
      const id = asked.has(row) ? undefined : rowId(original, row, fields);
      return id === undefined ? [] : [{ row, id }];
    });
    if (wanted.length === 0 || this.isRefused) return;
    for (const { row } of wanted) asked.add(row);
    try {
      const found = await this.read(wanted.map(({ id }) => id));
      this.take(
        found,
        wanted.map(({ row }) => row),
      );
    } catch (error) {
      if (!isUnknownForm(error)) throw error;
      this.isRefused = true;
    }
  }

  /** Whether reading again gave any row of a page what it lacks. */
  helps({ rows, isFound }: Lack): boolean {
    return rows.some((row) => {
      const again = this.sources[this.source[row] ?? -1];
      return again !== undefined && isFound(again.rows, this.at[row] ?? 0, row);
    });
  }

  isReplaced(row: number): boolean {
    return (this.source[row] ?? -1) >= 0;
  }

  /** The page with the rows that were read again in place of those that came. */
  page(): PageRows {
    const { original, sources, source, at } = this;
    const fields = Array.from({ length: original.width }, (_, field) => field);
    return withCells(
      original,
      sources.map(({ rows }, number) => ({
        rows,
        rowOf: Int32Array.from(at, (each, row) => (source[row] === number ? each : -1)),
        fields,
      })),
    );
  }

  private take(found: FoundRows, rows: readonly number[]): void {
    this.sources.push(found);
    for (const [position, row] of rows.entries()) {
      const at = found.rowOf[position] ?? -1;
      if (at < 0) continue;
      if (this.isOlder(found.rows, at, row)) continue;
      this.found++;
      this.source[row] = this.sources.length - 1;
      this.at[row] = at;
    }
  }

  /** A server that lags behind gives a row as it was: no row is replaced by an older one. */
  private isOlder(again: PageRows, at: number, row: number): boolean {
    const { original, version } = this;
    if (version === undefined || !hasVersion(original, row, version)) return false;
    if (!hasVersion(again, at, version)) return true;
    return BigInt(cellText(again, at, version) ?? 0) < BigInt(cellText(original, row, version) ?? 0);
  }
}

/** Whether a member of any row is spelled out as null: such a source does not leave nulls out. */
function hasNull({ cells, width, rows }: PageRows, { columns }: Table): boolean {
  for (let row = 0, at = 0; row < rows; row++) {
    for (let field = 0; field < width; field++, at += 2) {
      if (cells[at] === 0 && cells[at + 1] !== 0 && columns[field]?.selectable === true) return true;
    }
  }
  return false;
}

/** Columns, by position, that some rows spell out, be it as null, and others do not. */
function unevenFields({ cells, width, rows }: PageRows, table: Table): number[] {
  if (rows < 2) return [];
  const counts = new Uint32Array(width);
  for (let row = 0, at = 1; row < rows; row++) {
    for (let field = 0; field < width; field++, at += 2) if (cells[at] !== 0) (counts[field] as number)++;
  }
  return ownFields(table).filter((field) => {
    const count = counts[field] ?? 0;
    return count > 0 && count < rows;
  });
}

/** Columns, by position, that every row has a member of; key and version have rules of their own. */
function ownFields(table: Table): number[] {
  return table.columns.flatMap(({ name, selectable }, field) =>
    selectable && name !== table.key && name !== table.version ? [field] : [],
  );
}

function rowsLacking(page: PageRows, fields: readonly number[]): number[] {
  const rows: number[] = [];
  for (let row = 0; row < page.rows; row++) {
    if (fields.some((field) => isAbsent(page, row, field))) rows.push(row);
  }
  return rows;
}

function isAbsent({ cells, width }: PageRows, row: number, field: number): boolean {
  return cells[2 * (row * width + field) + 1] === 0;
}

function isUntyped({ cells, width }: PageRows, row: number, { id, type }: LookupFields): boolean {
  return cells[2 * (row * width + id)] !== 0 && cells[2 * (row * width + type)] === 0;
}

function union(lists: readonly (readonly number[])[]): number[] {
  return [...new Set(lists.flat())].toSorted((a, b) => a - b);
}

/** So many of the rows at most, from all over the page. */
function spread(rows: readonly number[], most: number): readonly number[] {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, at) => rows[Math.floor((at * rows.length) / most)] ?? 0);
}
