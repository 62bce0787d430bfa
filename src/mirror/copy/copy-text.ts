import type { PageRows } from '../../model/page.ts';
import type { Column, ColumnType } from '../../model/table.ts';
import { CopyLineWriter } from './copy-line.ts';
import { CopyMemory } from './copy-memory.ts';
import { PIECE } from './copy-writer.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from '../quarantine/row-policy.ts';

/** Why a row cannot be stored, found before PostgreSQL sees it. */
export interface Unstorable {
  readonly row: number;
  readonly column: string;
  readonly reason: string;
}

export interface CopiedRows {
  /** The page's row number of each line. */
  readonly rows: Int32Array;
  readonly unstorable: readonly Unstorable[];
}

export interface CopyText extends CopiedRows {
  /** COPY's text format: a line a row. */
  readonly text: Uint8Array;
  /** Where each line begins, and after the last one where the text ends. */
  readonly lines: Int32Array;
}

export interface CopyOptions {
  /** Row numbers that are left out. */
  readonly skip?: ReadonlySet<number>;
  /** Where the pieces are put, each over the next but one before it. */
  readonly memory?: CopyMemory;
  readonly policy?: RowPolicy;
}

/**
 * The page's rows as COPY text, in the order of `columns`: a piece at a time, whole lines each, and in
 * the end which rows they were.
 *
 * What PostgreSQL's text can never hold (NUL, half a surrogate pair), or would take for what it is not
 * (`now` for a date), is found here, with the column's name; everything else about a value is
 * PostgreSQL's to judge.
 */
export function* copyPieces(
  page: PageRows,
  columns: readonly Column[],
  options: CopyOptions = {},
): Generator<Uint8Array, CopiedRows, void> {
  const { skip, memory = new CopyMemory(), policy = DEFAULT_ROW_POLICY } = options;
  const writer = new CopyLineWriter(page.bytes, memory, policy);
  const copied = new LineRows(writer, page, columns);
  for (let row = 0; row < page.rows; row++) {
    if (skip?.has(row) === true) continue;
    copied.write(row);
    if (writer.length < PIECE) continue;
    yield writer.written;
    writer.turn();
  }
  if (writer.length > 0) yield writer.written;
  return copied.result();
}

/** All of it at once, for sending lines of it by themselves: in memory of its own. */
export function toCopyText(
  page: PageRows,
  columns: readonly Column[],
  { skip, policy = DEFAULT_ROW_POLICY }: Omit<CopyOptions, 'memory'> = {},
): CopyText {
  const memory = new CopyMemory();
  // At once: what is never written to takes no memory of the machine.
  memory.grow(0, page.bytes.length);
  const writer = new CopyLineWriter(page.bytes, memory, policy);
  const copied = new LineRows(writer, page, columns);
  const lines = new Int32Array(page.rows + 1);
  for (let row = 0; row < page.rows; row++) {
    if (skip?.has(row) === true) continue;
    copied.write(row);
    lines[copied.count] = writer.length;
  }
  return { ...copied.result(), text: writer.written, lines: lines.subarray(0, copied.count + 1) };
}

/** Writes rows of a page as lines, and notes which ones cannot be. */
class LineRows {
  count = 0;
  private readonly rows: Int32Array;
  private readonly unstorable: Unstorable[] = [];
  private readonly types: readonly ColumnType[];
  private readonly writer: CopyLineWriter;
  private readonly page: PageRows;
  private readonly columns: readonly Column[];

  constructor(writer: CopyLineWriter, page: PageRows, columns: readonly Column[]) {
    this.writer = writer;
    this.page = page;
    this.columns = columns;
    this.types = columns.map((column) => column.type);
    this.rows = new Int32Array(page.rows);
  }

  write(row: number): void {
    const failed = this.writer.line(this.page, row, this.types);
    if (failed === undefined) this.rows[this.count++] = row;
    else this.unstorable.push({ row, column: this.columns[failed.field]?.name ?? '', reason: failed.reason });
  }

  result(): CopiedRows {
    return { rows: this.rows.subarray(0, this.count), unstorable: this.unstorable };
  }
}
