import { Failure } from '../model/failure.ts';
import type { AnswerTooLarge } from './response-body.ts';

/** What a page is asked for with. */
export interface PageRequest {
  /** Rows at most. */
  readonly rows: number;
  /** Bytes at most. */
  readonly largest: number;
}

/** A row may be as many times larger than a page is meant to be. */
const LARGEST_ROW = 4;
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
  /** Bytes of the last page. */
  last: number;
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
  private readonly tables = new Map<string, Known>();

  constructor(pageBytes: number) {
    this.pageBytes = pageBytes;
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

  /** Bytes that the next page of a table is likely to have: as many as the last one. */
  expected(table: string): number {
    return this.tables.get(table)?.last ?? this.pageBytes;
  }

  /** Bytes of the table's last page; undefined before there was one. */
  lastOf(table: string): number | undefined {
    return this.tables.get(table)?.last;
  }

  /** A page of so many entries had so many bytes. */
  measured(table: string, entries: number, bytes: number): void {
    const known = this.known(table);
    const before = Math.min(known.rows, REMEMBERED_ROWS);
    known.last = bytes;
    if (entries === 0) return;
    known.width = (known.width * before + bytes) / (before + entries);
    known.rows = before + entries;
  }

  /** Pages of more rows than these timed out. */
  limit(table: string, rows: number): void {
    this.known(table).limit = rows;
  }

  private known(table: string): Known {
    let known = this.tables.get(table);
    if (known === undefined) {
      known = { width: 0, rows: 0, last: this.pageBytes, limit: Number.POSITIVE_INFINITY };
      this.tables.set(table, known);
    }
    return known;
  }
}

/**
 * What to ask for where the answer to `asked` was too large: the rows that came whole. Where not even
 * one did it is that row which is large, and is given more room: fewer rows would be no help to it, and
 * a burden on the rest of the chain.
 *
 * @throws Failure `row-too-large`
 */
export function afterTooLarge(
  asked: PageRequest,
  answer: AnswerTooLarge,
  pageBytes: number,
  table: string,
): PageRequest {
  const whole = Math.max(0, answer.entries - 1);
  if (whole > 0 && asked.rows > 1) return { ...asked, rows: Math.min(whole, asked.rows - 1) };
  const most = LARGEST_ROW * pageBytes;
  if (asked.largest < most) return { ...asked, largest: most };
  throw new Failure({
    code: 'row-too-large',
    reaction: 'stop-table',
    message: `A row of table ${table} is larger than ${megabytes(most)} MB.`,
    remedy: `Leave its widest columns out (columns.exclude of table ${table}), or set limits.pageBytes to more than ${megabytes(pageBytes)} MB.`,
    cause: answer,
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
