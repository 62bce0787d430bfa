/** Where the feed goes on: to the next page, or, from a last page, to the changes since. */
export interface Link {
  readonly kind: 'next' | 'delta';
  /** Opaque: followed byte for byte. */
  readonly url: string;
  /**
   * Rows a page of the chain that a next link belongs to. Within a chain no page asks for more than the
   * one before it: should the environment count pages rather than go on from its cookie, larger pages
   * would leave rows out, and smaller ones only repeat some.
   */
  readonly pageSize?: number;
}

/** What tells a row from the others of its table. */
export interface RowId {
  readonly key: string;
  /** On tables whose key is unique only within a partition; null is a partition too. */
  readonly partition?: string | null;
}

/**
 * An entry that says a row was deleted. It comes with the key alone, on partitioned tables too; the
 * partition is what `settleContradictions` found out.
 */
export interface Tombstone extends RowId {
  /** `deleted` is certain; any other reason is checked by reading the row again. */
  readonly reason: string;
}

/**
 * The rows of a response.
 *
 * A row is kept as slices of the response's bytes, so that a value is the text that came and is
 * touched once, when it becomes COPY data: an object for each row of a 25 MB page would cost several
 * times its size, and a JavaScript number would round money, decimals and big integers.
 * `cells[2 * (row * width + field)]` and the number after it are the slice's start and end; the
 * slice is a JSON literal (a string with its quotes, a number, true, false, an array or object).
 * Start 0 means null: absent and null are the same to a mirror. An end beside it says that the null
 * was spelled out, so that the member was asked for.
 */
export interface PageRows {
  readonly bytes: Uint8Array;
  /** Fields in a row: as many as the table has columns, in their order. */
  readonly width: number;
  readonly rows: number;
  readonly cells: Int32Array;
  /**
   * Rows that must not be stored, by number, and why: something of them did not come, so that what is
   * known of them would be lost. Absent where there are none.
   */
  readonly incomplete?: ReadonlyMap<number, string>;
}

/** One response of the change feed: rows, tombstones, and a next link or a delta link. */
export interface Page extends PageRows {
  readonly tombstones: readonly Tombstone[];
  readonly link: Link;
  /**
   * Gives back the memory that was set aside for the page, once it is stored or of no more use: another
   * page is put there, so nobody may look at this one any more. Further calls do nothing. Absent where
   * none was.
   */
  readonly release?: () => void;
}

/** One response of a full read: the last one has no link. */
export type PlainPage = Omit<Page, 'link'> & { readonly link: Link | null };

const decoder = new TextDecoder('utf-8');
const QUOTE = 0x22;

/**
 * The text of one cell: a string's characters, or a number or boolean as it was written.
 * For keys and versions; whole pages are encoded from the bytes.
 */
export function cellText(page: PageRows, row: number, field: number): string | null {
  const at = 2 * (row * page.width + field);
  const start = page.cells[at] ?? 0;
  if (start === 0) return null;
  const literal = decoder.decode(page.bytes.subarray(start, page.cells[at + 1]));
  return literal.startsWith('"') ? String(JSON.parse(literal)) : literal;
}

/**
 * Whether a row has a version in a field: a whole number of at most 19 digits. One beyond a bigint is
 * PostgreSQL's to refuse.
 */
export function hasVersion(page: PageRows, row: number, field: number): boolean {
  const { bytes, cells } = page;
  const at = 2 * (row * page.width + field);
  let start = cells[at] ?? 0;
  let end = cells[at + 1] ?? 0;
  if (start === 0) return false;
  if (bytes[start] === QUOTE) {
    start++;
    end--;
  }
  if (end <= start || end - start > 19) return false;
  for (let digit = start; digit < end; digit++) {
    const byte = bytes[digit] as number;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}

/** Whether any row spells the field out, be it as null: then the response was asked for it. */
export function isSpelledOut(page: PageRows, field: number): boolean {
  for (let row = 0; row < page.rows; row++) {
    if ((page.cells[2 * (row * page.width + field) + 1] ?? 0) !== 0) return true;
  }
  return false;
}

/** Cells of a page's rows that came in another response. */
export interface SideCells {
  readonly rows: PageRows;
  /** For each row of the page, the row of `rows` that belongs to it; below 0 where none came. */
  readonly rowOf: Int32Array;
  /** Which field of the page each of `rows`' fields fills; below 0 where it fills none. */
  readonly fields: readonly number[];
}

/** The page with cells out of other responses; the slices point into one copy of all the bytes. */
export function withCells(page: PageRows, sides: readonly SideCells[]): PageRows {
  if (sides.length === 0) return page;
  const bytes = Buffer.concat([page.bytes, ...sides.map(({ rows }) => rows.bytes)]);
  const cells = page.cells.slice(0, 2 * page.rows * page.width);
  let offset = page.bytes.length;
  for (const { rows: side, rowOf, fields } of sides) {
    for (let row = 0; row < page.rows; row++) {
      const from = rowOf[row] ?? -1;
      if (from < 0) continue;
      for (const [field, to] of fields.entries()) {
        const cell = 2 * (from * side.width + field);
        if (to < 0) continue;
        const start = side.cells[cell] ?? 0;
        const end = side.cells[cell + 1] ?? 0;
        const at = 2 * (row * page.width + to);
        cells[at] = start === 0 ? 0 : start + offset;
        cells[at + 1] = end === 0 ? 0 : end + offset;
      }
    }
    offset += side.bytes.length;
  }
  return { ...page, bytes, cells };
}

/** Some rows of a page, by number. */
export function pickRows(page: PageRows, rows: readonly number[]): PageRows {
  const { bytes, width } = page;
  const cells = new Int32Array(2 * rows.length * width);
  for (const [to, from] of rows.entries()) {
    cells.set(page.cells.subarray(2 * from * width, 2 * (from + 1) * width), 2 * to * width);
  }
  return { bytes, width, rows: rows.length, cells };
}

/** The rows of several responses, in their order; the slices point into one copy of all the bytes. */
export function joinPages(parts: readonly PageRows[]): PageRows {
  const [first] = parts;
  if (first === undefined) throw new TypeError('There is nothing to join.');
  if (parts.length === 1) return first;
  const { width } = first;
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const cells = new Int32Array(2 * rows * width);
  const incomplete = new Map<number, string>();
  let offset = 0;
  let cell = 0;
  let before = 0;
  for (const part of parts) {
    for (const [row, reason] of part.incomplete ?? []) incomplete.set(before + row, reason);
    before += part.rows;
    const length = 2 * part.rows * width;
    for (let at = 0; at < length; at++) {
      const position = part.cells[at] ?? 0;
      // An end without a start is that of a null which was spelled out.
      cells[cell + at] = position === 0 ? 0 : position + offset;
    }
    cell += length;
    offset += part.bytes.length;
  }
  return { bytes, width, rows, cells, ...(incomplete.size === 0 ? {} : { incomplete }) };
}
