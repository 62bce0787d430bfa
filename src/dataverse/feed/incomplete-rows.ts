import { cellText, hasVersion, type PageRows, type RowId } from '../../model/page.ts';
import { withCells } from '../page/combined-rows.ts';
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
  /** The rows, by number, ascending. */
  readonly rows: readonly number[];
  /** Whether the second reading of row `row`, at `at` in `again`, has what the row lacks. */
  readonly isFound: (again: PageRows, at: number, row: number) => boolean;
}

/** Rows of a page that are read again first, to learn what a missing value means. */
const SAMPLE = 200;

/**
 * Finds rows that lack something, and replaces them by their second reading from a plain request. A row may lack:
 *
 * - a selected member that other rows of the page have. Either the source leaves nulls out, and the member is
 *   null; or the member was lost on the way, and a null would overwrite a known value.
 * - the table of a lookup that has an id.
 * - the row version.
 *
 * A first request reads up to 200 of the rows again. If none of them has more than before, the others are not
 * read. A source that leaves nulls out thus costs one more request for each page, and a source that loses
 * values costs as many as its rows need. A page that spells out any null does not come from a source that
 * leaves nulls out: a member that is missing in such a page and in the second reading is lost.
 *
 * The mirror decides about versions and lookup tables that are still missing, because it knows its own rows.
 *
 * @param page the rows with their side columns.
 * @param came the page as it came, before its side columns were added.
 * @returns the page. A row that lacks a member for good is marked `incomplete`.
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
  const uneven = unevenFields(page, table);
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
  const again = new SecondReadings(page, table, version, read);
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

/** The reason why rows that lack one of the fields cannot be stored, by the number of the row. */
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
 * Marks rows that were read by their keys as `incomplete` if they lack a member. If no row spells out a null,
 * nothing is marked, because the source may leave nulls out.
 */
export function markIncomplete(rows: PageRows, table: Table): PageRows {
  if (!hasNull(rows, table)) return rows;
  const fields = ownFields(table);
  const lacking = rowsLacking(rows, fields);
  return lacking.length === 0 ? rows : { ...rows, incomplete: lackReasons(rows, table, lacking, fields) };
}

/** The second readings of rows of a page. */
class SecondReadings {
  /** Rows that were found, in no older version than on the page. */
  found = 0;
  private readonly sources: FoundRows[] = [];
  /** For each row of the page, the number of the reading that has it and its row there; below 0 if none has it. */
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

  /** Reads the rows that were not read again yet. If the source refuses such requests, rows stay as they came. */
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

  /** Whether any row got from its second reading what it lacked. */
  helps({ rows, isFound }: Lack): boolean {
    return rows.some((row) => {
      const again = this.sources[this.source[row] ?? -1];
      return again !== undefined && isFound(again.rows, this.at[row] ?? 0, row);
    });
  }

  isReplaced(row: number): boolean {
    return (this.source[row] ?? -1) >= 0;
  }

  /** The page, with second readings in place of the rows that came. */
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

  /** A server that lags behind returns an older version of a row, which must not replace a newer one. */
  private isOlder(again: PageRows, at: number, row: number): boolean {
    const { original, version } = this;
    if (version === undefined || !hasVersion(original, row, version)) return false;
    if (!hasVersion(again, at, version)) return true;
    return BigInt(cellText(again, at, version) ?? 0) < BigInt(cellText(original, row, version) ?? 0);
  }
}

/** Whether any row spells out a null: such a source does not leave nulls out. */
function hasNull({ cells, width, rows }: PageRows, { columns }: Table): boolean {
  for (let row = 0, at = 0; row < rows; row++) {
    for (let field = 0; field < width; field++, at += 2) {
      if (cells[at] === 0 && cells[at + 1] !== 0 && columns[field]?.selectable === true) return true;
    }
  }
  return false;
}

/** Columns, by position, that some rows of the page have and others lack. A spelled-out null counts as had. */
function unevenFields({ cells, width, rows }: PageRows, table: Table): number[] {
  // Nearly every page has all of its members. So absent members are counted, which costs a comparison for each cell.
  const absent = new Uint32Array(width);
  for (let row = 0, at = 1; row < rows; row++) {
    for (let field = 0; field < width; field++, at += 2) if (cells[at] === 0) (absent[field] as number)++;
  }
  return ownFields(table).filter((field) => {
    const count = absent[field] ?? 0;
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

/** At most `most` of the rows, spread over the whole page. */
function spread(rows: readonly number[], most: number): readonly number[] {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, at) => rows[Math.floor((at * rows.length) / most)] ?? 0);
}
