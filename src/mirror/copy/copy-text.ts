import type { PageRows } from '../../model/page.ts';
import type { Column, ColumnType } from '../../model/table.ts';
import { CopyLineWriter } from './copy-line.ts';
import { CopyOutput } from './copy-output.ts';
import { PIECE } from './copy-writer.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from '../quarantine/row-policy.ts';

/** Why a row cannot be stored, found out before PostgreSQL sees it. */
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
  /** COPY's text format, a line for each row. */
  readonly text: Uint8Array;
  /** Where each line begins, and at the end where the text ends. */
  readonly lines: Int32Array;
}

export interface CopyOptions {
  /** Numbers of the rows to leave out. */
  readonly skip?: ReadonlySet<number>;
  /** Memory for the pieces. Each piece overwrites the one before the last. */
  readonly memory?: CopyOutput;
  readonly policy?: RowPolicy;
}

/**
 * The page's rows as COPY text, in the order of `columns`, one piece of whole lines at a time. In the end it
 * returns which rows they were.
 *
 * It finds values that PostgreSQL's text can never hold (NUL, half a surrogate pair), or that PostgreSQL
 * would misread (`now` for a date), and names their columns. PostgreSQL judges everything else about a value.
 */
export function* copyPieces(
  page: PageRows,
  columns: readonly Column[],
  options: CopyOptions = {},
): Generator<Uint8Array, CopiedRows, void> {
  const { skip, memory = new CopyOutput(), policy = DEFAULT_ROW_POLICY } = options;
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

/** Writes all rows at once, into memory of their own, so that single lines can be sent. */
export function toCopyText(
  page: PageRows,
  columns: readonly Column[],
  { skip, policy = DEFAULT_ROW_POLICY }: Omit<CopyOptions, 'memory'> = {},
): CopyText {
  const memory = new CopyOutput();
  // The memory is reserved at once: memory that is never written to takes none of the machine's.
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

/** Writes rows of a page as lines, and notes the rows that cannot be written. */
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
