/** Where the feed goes on: `next` leads to the next page, `delta` to the changes after the last page. */
export interface Link {
  readonly kind: 'next' | 'delta';
  /** The link is opaque, and is followed byte for byte. */
  readonly url: string;
  /**
   * Rows in a page of the chain that a next link belongs to. Within a chain no page asks for more rows than
   * the page before it. If the environment counts pages instead of going on from its cookie, larger pages
   * leave rows out, and smaller pages only repeat some.
   */
  readonly pageSize?: number;
}

/** What tells a row from the other rows of its table. */
export interface RowId {
  readonly key: string;
  /** The partition, on tables whose key is unique only within a partition. Null is a partition too. */
  readonly partition?: string | null;
}

/**
 * An entry that says that a row was deleted. The entry has only the key, on partitioned tables too;
 * `settleContradictions` finds out the partition.
 */
export interface Tombstone extends RowId {
  /** `deleted` is certain. With any other reason, mirrorverse reads the row again. */
  readonly reason: string;
}

/**
 * The rows of a response.
 *
 * A row is kept as slices of the bytes of the response. A value stays the text that came, and is touched once, when
 * it becomes COPY data. An object for each row of a 25 MB page would cost several times the size of the page, and a
 * JavaScript number would round money, decimals and big integers. `cells[2 * (row * width + field)]` and the number
 * after it are the start and the end of a slice. The slice is a JSON literal: a string with its quotes, a number,
 * true, false, an array or an object. Start 0 means null: absent and null are the same to a mirror. An end other than
 * 0 beside it says that the response spelled the null out, so the request had asked for the member.
 */
export interface PageRows {
  readonly bytes: Uint8Array;
  /** Fields in a row: one for each column of the table, in the same order. */
  readonly width: number;
  readonly rows: number;
  readonly cells: Int32Array;
  /**
   * Rows that must not be stored, by number, with the reason. A part of such a row did not come, and
   * storing the row would lose what the mirror knows of that part. Absent where there are none.
   */
  readonly incomplete?: ReadonlyMap<number, string>;
}

/** One response of the change feed: rows, tombstones, and a next link or a delta link. */
export interface Page extends PageRows {
  readonly tombstones: readonly Tombstone[];
  readonly link: Link;
  /**
   * Gives back the memory of the page, after the page was stored or is not needed any more. Another page
   * is then put into that memory, so nobody may read this page after the call. Further calls do nothing.
   * Absent where no memory was set aside.
   */
  readonly release?: () => void;
}

/** One response of a full read. The last response has no link. */
export type PlainPage = Omit<Page, 'link'> & { readonly link: Link | null };

const decoder = new TextDecoder('utf-8');
const QUOTE = 0x22;

/**
 * The text of one cell: the characters of a string, or a number or boolean as it was written.
 * This is for keys and versions. Whole pages are encoded from the bytes.
 */
export function cellText(page: PageRows, row: number, field: number): string | null {
  const at = 2 * (row * page.width + field);
  const start = page.cells[at] ?? 0;
  if (start === 0) return null;
  const literal = decoder.decode(page.bytes.subarray(start, page.cells[at + 1]));
  return literal.startsWith('"') ? String(JSON.parse(literal)) : literal;
}

/**
 * Whether a row has a version in a field: a whole number of at most 19 digits. PostgreSQL refuses a number
 * that is too large for a bigint.
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

/** Whether any row spells the field out, even as null. Then the request had asked for the field. */
export function isSpelledOut(page: PageRows, field: number): boolean {
  for (let row = 0; row < page.rows; row++) {
    if ((page.cells[2 * (row * page.width + field) + 1] ?? 0) !== 0) return true;
  }
  return false;
}
