import { Failure } from '../../model/failure.ts';
import type { AnswerTooLarge } from '../http/response-body.ts';

/** What a page is asked for with. */
export interface PageRequest {
  /** Rows at most. */
  readonly rows: number;
  /** Bytes at most. */
  readonly largest: number;
}

/** A value of PostgreSQL can have no more bytes. */
const LARGEST_ROW = 1024 ** 3;
/** Share of the rows that is asked for at most where fewer were too many: each try costs a request. */
const FEWER = 0.75;
/** Bytes that are counted for a page of a table nobody has read yet: it may be empty. */
const UNKNOWN = 64 * 1024;
/** Pages differ: so many times what the last one took is reserved for the next. */
const MORE = 1.0625;
/** Share of a page's bytes that is aimed at: rows differ. */
const AIM = 0.8;
/** Rows that say something about the width of others. */
const ENOUGH_ROWS = 20;
/** Rows whose width is remembered; what came before them fades. */
const REMEMBERED_ROWS = 5_000;
/** Fewer rows are not asked for because of a time-out. */
const FEWEST = 50;

interface Known {
  /** Bytes of a row, over `rows` of them. */
  width: number;
  rows: number;
  /** Bytes of the last page's answer. */
  last: number;
  /** Bytes of memory that it took. */
  taken: number;
  /** Rows that pages may have since some timed out. */
  limit: number;
}

/**
 * How many rows of each table a page is asked for: so many that they make about `pageBytes`, by what
 * rows of the table took so far, and fewer where the environment timed out. Kept while the process
 * lives.
 */
export class PageSizes {
  readonly pageBytes: number;
  /** Bytes that a single page may take of the memory. */
  readonly memory: number;
  private readonly tables = new Map<string, Known>();

  /** @param memory bytes. */
  constructor(pageBytes: number, memory = 4 * pageBytes) {
    this.pageBytes = pageBytes;
    this.memory = memory;
  }

  /**
   * For a page of `table`, of at most `most` rows. A chain that begins may have more rows a page than
   * the last one was cut down to by time-outs: twice as many.
   */
  next(table: string, most: number, chain: 'begins' | 'goes-on'): PageRequest {
    const known = this.tables.get(table);
    if (known === undefined) return { rows: most, largest: this.pageBytes };
    if (chain === 'begins') known.limit *= 2;
    const fitting =
      known.rows < ENOUGH_ROWS ? most : Math.max(1, Math.floor((AIM * this.pageBytes) / known.width));
    return { rows: Math.min(most, known.limit, fitting), largest: this.pageBytes };
  }

  /** Bytes of memory that the next page of a table is likely to take: as many as the last one. */
  expected(table: string): number {
    const taken = this.tables.get(table)?.taken;
    return taken === undefined ? UNKNOWN : Math.min(this.memory, Math.ceil(MORE * taken));
  }

  /** Bytes of the table's last page; undefined before there was one. */
  lastOf(table: string): number | undefined {
    return this.tables.get(table)?.last;
  }

  /** A page of so many entries had so many bytes, and took so much memory. */
  measured(table: string, entries: number, bytes: number, taken = bytes): void {
    const known = this.known(table);
    const before = Math.min(known.rows, REMEMBERED_ROWS);
    known.last = bytes;
    known.taken = taken;
    if (entries === 0) return;
    // Of little memory it is what a page takes, not its bytes alone, that says how many rows fit.
    const weight = Math.max(bytes, (taken * this.pageBytes) / this.memory);
    known.width = (known.width * before + weight) / (before + entries);
    known.rows = before + entries;
  }

  /** Pages of more rows than these timed out. */
  limit(table: string, rows: number): void {
    this.known(table).limit = rows;
  }

  private known(table: string): Known {
    let known = this.tables.get(table);
    if (known === undefined) {
      known = { width: 0, rows: 0, last: 0, taken: UNKNOWN, limit: Number.POSITIVE_INFINITY };
      this.tables.set(table, known);
    }
    return known;
  }
}

/**
 * What to ask for where the answer to `asked` was too large: the rows that came whole. Where not even
 * one did it is that row which is large, and is given all the memory that there is: fewer rows would be no
 * help to it, and a burden on the rest of the chain.
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
 * A quarter of the rows, where a page took more than all memory and its answer alone did not.
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
    reaction: 'stop-table',
    message: `A row of table ${table} is larger than limits.memory allows (${megabytes(most)} MB).`,
    remedy: `Leave its widest columns out (columns.exclude of table ${table}), or set limits.memory (MIRRORVERSE_MEMORY) to more than ${megabytes(most)} MB.`,
    cause,
    details: { table },
  });
}

/** Half the rows, where a page of so many timed out; undefined where that is not to be asked for. */
export function afterTimeOut(rows: number): number | undefined {
  return rows > FEWEST ? Math.max(FEWEST, rows >> 1) : undefined;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e4) / 100;
}
