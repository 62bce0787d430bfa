import type { PageRows } from '../model/page.ts';
import type { Column } from '../model/table.ts';
import { CopyLineWriter } from './copy-line.ts';
import { CopyMemory } from './copy-memory.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from './row-policy.ts';

/** Why a row cannot be stored, found before PostgreSQL sees it. */
export interface Unstorable {
  readonly row: number;
  readonly column: string;
  readonly reason: string;
}

export interface CopyText {
  /** COPY's text format: a line a row. */
  readonly text: Uint8Array;
  /** Where each line begins, and after the last one where the text ends. */
  readonly lines: Int32Array;
  /** The page's row number of each line. */
  readonly rows: Int32Array;
  readonly unstorable: readonly Unstorable[];
}

export interface CopyOptions {
  /** Row numbers that are left out. */
  readonly skip?: ReadonlySet<number>;
  /** Where the data are put; the result is good until the next use of the same. */
  readonly memory?: CopyMemory;
  readonly policy?: RowPolicy;
}

/** Bytes that are worth sending while the rest is still being written. */
export const PIECE = 65_536;

/**
 * The page's rows as COPY text, in the order of `columns`: a piece at a time, whole lines each, and in
 * the end the whole.
 *
 * What PostgreSQL's text can never hold (NUL, half a surrogate pair), or would take for what it is not
 * (`now` for a date), is found here, with the column's name; everything else about a value is
 * PostgreSQL's to judge.
 */
export function* copyPieces(
  page: PageRows,
  columns: readonly Column[],
  { skip, memory = new CopyMemory(), policy = DEFAULT_ROW_POLICY }: CopyOptions = {},
): Generator<Uint8Array, CopyText, void> {
  const writer = new CopyLineWriter(page.bytes, memory, policy);
  const lines = new Int32Array(page.rows + 1);
  const rows = new Int32Array(page.rows);
  const unstorable: Unstorable[] = [];
  const types = columns.map((column) => column.type);
  let count = 0;
  let sent = 0;
  for (let row = 0; row < page.rows; row++) {
    if (skip?.has(row) === true) continue;
    const failed = writer.line(page, row, types);
    if (failed === undefined) {
      rows[count++] = row;
      lines[count] = writer.length;
    } else {
      unstorable.push({ row, column: columns[failed.field]?.name ?? '', reason: failed.reason });
    }
    if (writer.length - sent < PIECE) continue;
    yield writer.written(sent);
    sent = writer.length;
  }
  if (writer.length > sent) yield writer.written(sent);
  return {
    text: writer.written(0),
    lines: lines.subarray(0, count + 1),
    rows: rows.subarray(0, count),
    unstorable,
  };
}

/** All of it at once. */
export function toCopyText(page: PageRows, columns: readonly Column[], options?: CopyOptions): CopyText {
  const pieces = copyPieces(page, columns, options);
  for (;;) {
    const piece = pieces.next();
    if (piece.done === true) return piece.value;
  }
}
