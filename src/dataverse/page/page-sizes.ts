import { Failure } from '../../model/failure.ts';
import type { AnswerTooLarge } from '../http/response-body.ts';

/** The limits of a request for a page. */
export interface PageRequest {
  /** Rows at most. */
  readonly rows: number;
  /** Bytes at most. */
  readonly largest: number;
}

/** Bytes. PostgreSQL has no larger values. */
const LARGEST_ROW = 1024 ** 3;
/** After a page that was too large, at most this share of its rows is asked for: each try costs a request. */
const FEWER = 0.75;
/** Bytes that are expected of a page of a table that was not read yet; the table may be empty. */
const UNKNOWN = 64 * 1024;
/** Somewhat more than the last page took is reserved for the next one, because pages differ. */
const MORE = 1.0625;
/** Pages aim at this share of the allowed bytes, because rows differ. */
const AIM = 0.8;
/** Rows that are needed to estimate the width of others. */
const ENOUGH_ROWS = 20;
/** Rows whose width is remembered; the weight of earlier rows fades. */
const REMEMBERED_ROWS = 5_000;
/** Time-outs do not reduce a page below this number of rows. */
const FEWEST = 50;

interface KnownSize {
  /** Mean bytes of `rows` rows. */
  width: number;
  rows: number;
  /** Bytes of the last page's answer. */
  last: number;
  /** Bytes of memory that the last page took. */
  taken: number;
  /** Rows that pages may have after time-outs. */
  limit: number;
}

/**
 * How many rows a page of each table asks for: about as many as make `pageBytes`, judged by earlier rows of
 * the table, and fewer after time-outs. It is remembered for the life of the process.
 */
export class PageSizes {
  private limits: { readonly pageBytes: number; readonly memory: number };
  private readonly tables = new Map<string, KnownSize>();

  /** @param memory bytes. */
  constructor(pageBytes: number, memory = 4 * pageBytes) {
    this.limits = { pageBytes, memory };
  }

  get pageBytes(): number {
    return this.limits.pageBytes;
  }

  /** Bytes of memory that a single page may take. */
  get memory(): number {
    return this.limits.memory;
  }

  /** Goes on with other limits, from the next page on. */
  change(pageBytes: number, memory: number): void {
    this.limits = { pageBytes, memory };
  }

  /**
   * The request for the next page of `table`, of at most `most` rows. A new chain of pages may have twice as
   * many rows a page as time-outs had left to the last chain.
   */
  next(table: string, most: number, chain: 'begins' | 'goes-on'): PageRequest {
    const known = this.tables.get(table);
    if (known === undefined) return { rows: most, largest: this.pageBytes };
    if (chain === 'begins') known.limit *= 2;
    const fitting =
      known.rows < ENOUGH_ROWS ? most : Math.max(1, Math.floor((AIM * this.pageBytes) / known.width));
    return { rows: Math.min(most, known.limit, fitting), largest: this.pageBytes };
  }

  /** Bytes of memory that the next page of a table is likely to take, judged by the last one. */
  expected(table: string): number {
    const taken = this.tables.get(table)?.taken;
    return taken === undefined ? UNKNOWN : Math.min(this.memory, Math.ceil(MORE * taken));
  }

  /** Bytes of the table's last page; undefined before the first page. */
  lastOf(table: string): number | undefined {
    return this.tables.get(table)?.last;
  }

  /** Records a page: its entries, its bytes, and the memory that it took. */
  measured(table: string, entries: number, bytes: number, taken = bytes): void {
    const known = this.known(table);
    const before = Math.min(known.rows, REMEMBERED_ROWS);
    known.last = bytes;
    known.taken = taken;
    if (entries === 0) return;
    // With little memory, the memory that a page takes limits its rows, and not its bytes alone.
    const weight = Math.max(bytes, (taken * this.pageBytes) / this.memory);
    known.width = (known.width * before + weight) / (before + entries);
    known.rows = before + entries;
  }

  /** Records that pages of more than `rows` rows timed out. */
  limit(table: string, rows: number): void {
    this.known(table).limit = rows;
  }

  private known(table: string): KnownSize {
    let known = this.tables.get(table);
    if (known === undefined) {
      known = { width: 0, rows: 0, last: 0, taken: UNKNOWN, limit: Number.POSITIVE_INFINITY };
      this.tables.set(table, known);
    }
    return known;
  }
}

/**
 * The next request after the answer to `asked` was too large: as many rows as came whole. If not even one
 * row came whole, that row is large and may take all memory. Fewer rows would not help it, and the rest of
 * the chain would keep the small size.
 *
 * @param memory bytes that a page may take.
 * @throws Failure `row-too-large`
 */
export function afterTooLarge(
  asked: PageRequest,
  answer: AnswerTooLarge,
  memory: number,
  table: string,
): PageRequest {
  const whole = Math.max(0, answer.entries - 1);
  if (whole > 0 && asked.rows > 1 && whole <= asked.rows) return { ...asked, rows: fewer(asked.rows, whole) };
  const most = Math.min(LARGEST_ROW, memory);
  if (asked.largest < most) return { ...asked, largest: most };
  throw rowTooLarge(table, most, answer);
}

/**
 * The next request after a page took more than all memory although its answer did not: a quarter of its rows.
 *
 * @throws Failure `row-too-large`
 */
export function afterTooMuch(asked: PageRequest, memory: number, table: string, cause: unknown): PageRequest {
  if (asked.rows > 1) return { ...asked, rows: Math.max(1, asked.rows >> 2) };
  throw rowTooLarge(table, memory, cause);
}

function fewer(rows: number, whole: number): number {
  return Math.max(1, Math.min(whole, Math.floor(FEWER * rows)));
}

function rowTooLarge(table: string, most: number, cause: unknown): Failure {
  return new Failure({
    code: 'row-too-large',
    message: `A row of table ${table} is larger than limits.memory allows (${megabytes(most)} MB).`,
    remedy: `Leave its widest columns out (columns.exclude of table ${table}), or set limits.memory (MIRRORVERSE_MEMORY) to more than ${megabytes(most)} MB.`,
    cause,
    details: { table },
  });
}

/** Half of the rows of a page that timed out; undefined if the page had the fewest rows already. */
export function afterTimeOut(rows: number): number | undefined {
  return rows > FEWEST ? Math.max(FEWEST, rows >> 1) : undefined;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e4) / 100;
}
