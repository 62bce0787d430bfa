import { Failure } from '../../model/failure.ts';
import type { FileColumn } from '../../model/files/file-column.ts';
import type { DataverseClient } from '../http/client.ts';
import { base64Sink } from './base64-sink.ts';
import type { BodySink } from './body-sink.ts';

/** Which body to fetch. */
export interface BodyPlace {
  readonly table: string;
  readonly entitySet: string;
  /** The id of the row. */
  readonly key: string;
  readonly column: string;
  readonly kind: FileColumn['kind'];
  /** What the row names, as the mirror has it: of a File column the id of the file. */
  readonly identity: string;
}

/** Where a body goes. */
export interface BodyTarget {
  /** Bytes that have been written. */
  readonly bytes: number;
  write(piece: Uint8Array): Promise<void>;
  /** Throws away what has been written, because the body begins anew. */
  restart(): Promise<void>;
}

/** What the answers told about a body. */
export interface BodyFacts {
  readonly fileName?: string;
  readonly mimeType?: string;
}

/** Bytes of a range. The Web API recommends as many, and a block of its messages has so many at most. */
const RANGE = 4 * 1024 * 1024;
/** Bytes of a range at most, whatever an answer recommends. */
const LARGEST_RANGE = 64 * 1024 * 1024;
/** "Downloading in multiple chunks is not supported for the files stored in the database." */
const NO_RANGES = '0x80090017';

/**
 * Fetches a body. A File column comes by ranges, so a body that breaks off goes on where it stopped. Images and texts
 * come whole: they have 30 MB and 128 MB at most. Where the environment keeps files in its database, or ignores ranges, a
 * File column comes whole too.
 *
 * Sources: Microsoft, "Use file column data", "Use image column data", "Use file data with Attachment and Note records".
 *
 * @param around does the work of each request, within its share of the limits.
 * @throws Failure `file-missing` if the row or its body is gone, or another body has taken its place meanwhile;
 *   `file-not-whole` if the body has another length than the answers said; those of the client; what the target throws.
 */
export async function downloadBody(
  client: DataverseClient,
  place: BodyPlace,
  target: BodyTarget,
  around: <T>(work: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Promise<BodyFacts> {
  const { table, kind } = place;
  const address = `${addressOf(place)}/${place.column}/$value`;
  const answers = new Answers(place, target);
  const text = base64Sink(answers, () => notWhole(place));
  const fetch = async (url: string): Promise<void> => {
    const sink = kind === 'text' ? text : answers;
    const range = (): string | undefined => answers.range();
    await around(async () =>
      client.download({ url, priority: 'files', table, accept: '*/*', sink, range }, signal),
    );
  };
  try {
    if (kind === 'file') await fetchRanges(answers, async () => fetch(address));
    else {
      await fetch(kind === 'image' ? `${address}?size=full` : address);
      // A column that keeps no full images answers 204. It has a thumbnail.
      if (kind === 'image' && !answers.hasBegun) await fetch(address);
    }
  } catch (error) {
    throw isGone(error) ? missing(place) : error;
  }
  if (!answers.hasBegun) throw missing(place);
  if (text.isCut || !answers.isComplete) throw notWhole(place);
  // Ranges of two files would make a third. Each upload has an id of its own.
  if (answers.ranges > 1 && !(await isStillNamed(client, place, around, signal))) throw missing(place);
  return answers.facts;
}

async function fetchRanges(answers: Answers, fetch: () => Promise<void>): Promise<void> {
  answers.byRanges = true;
  do {
    try {
      await fetch();
    } catch (error) {
      if (!(error instanceof Failure) || !answers.byRanges) throw error;
      const { status, errorCode } = error.details;
      // An empty file has no range.
      if (status !== 416 && errorCode !== NO_RANGES) throw error;
      answers.byRanges = false;
      await fetch();
    }
  } while (answers.hasMore);
}

async function isStillNamed(
  client: DataverseClient,
  place: BodyPlace,
  around: <T>(work: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Promise<boolean> {
  const { table, column } = place;
  const url = `${addressOf(place)}?$select=${column}`;
  try {
    const row = await around(async () => client.getJson({ url, priority: 'files', table }, signal));
    const named = (row as Readonly<Record<string, unknown>> | null)?.[column];
    return typeof named === 'string' && named.toLowerCase() === place.identity.toLowerCase();
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** `0x80040217` says that an object does not exist. */
function isGone(error: unknown): boolean {
  if (!(error instanceof Failure)) return false;
  const { status, errorCode } = error.details;
  return status === 404 || errorCode === '0x80040217';
}

function addressOf({ entitySet, key }: BodyPlace): string {
  return `${entitySet}(${key})`;
}

/** Takes the answers about one body, and knows what is missing. */
class Answers implements BodySink {
  facts: BodyFacts = {};
  hasBegun = false;
  /** Answers that were ranges. */
  ranges = 0;
  byRanges = false;
  private readonly place: BodyPlace;
  private readonly target: BodyTarget;
  private size: number | undefined;
  private chunk = RANGE;
  /** The last byte that was asked for. */
  private last = 0;
  private isWhole = false;
  private came = 0;

  constructor(place: BodyPlace, target: BodyTarget) {
    this.place = place;
    this.target = target;
  }

  range(): string | undefined {
    if (!this.byRanges) return undefined;
    const from = this.target.bytes;
    this.last = from + this.chunk - 1;
    return `bytes=${from}-${this.last}`;
  }

  /** Whether the answers so far were ranges, and another one must follow. */
  get hasMore(): boolean {
    if (!this.hasBegun || this.isWhole || this.came === 0) return false;
    return this.size === undefined ? this.target.bytes > this.last : this.target.bytes < this.size;
  }

  async begin(status: number, headers: Headers): Promise<void> {
    if (isForeignPage(headers)) throw foreign(this.place);
    const isRange = status === 206;
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    // A server that answers with another range would put bytes where they do not belong.
    if (isRange && from !== undefined && Number(from) !== this.target.bytes) throw notWhole(this.place);
    if (!isRange) await this.target.restart();
    // Nothing says whether the size is that of a thumbnail or of a text, or of the file behind them.
    const told = this.place.kind === 'file' ? headers.get('x-ms-file-size') : null;
    const size = wholeNumber(told) ?? wholeNumber(isRange ? total : undefined);
    const isOther = isRange && this.ranges > 0 && this.size !== undefined && size !== this.size;
    if (isOther && size !== undefined) throw missing(this.place);
    this.size = size ?? (isRange ? this.size : undefined);
    this.hasBegun = true;
    this.isWhole = !isRange;
    this.came = 0;
    this.ranges = isRange ? this.ranges + 1 : 0;
    const chunk = wholeNumber(headers.get('x-ms-chunk-size'));
    if (chunk !== undefined && chunk > 0) this.chunk = Math.min(chunk, LARGEST_RANGE);
    this.facts = factsOf(headers);
  }

  async write(piece: Uint8Array): Promise<void> {
    this.came += piece.length;
    if (this.size !== undefined && this.target.bytes + piece.length > this.size) throw notWhole(this.place);
    await this.target.write(piece);
  }

  /** Whether all came that the answers announced. HTTP itself tells if an answer was cut. */
  get isComplete(): boolean {
    return this.size === undefined || this.target.bytes === this.size;
  }
}

/** A page of a proxy or of a sign-in has status 200 too. The Web API sends one of these headers with a file. */
function isForeignPage(headers: Headers): boolean {
  const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '');
  return (
    isPage &&
    !['odata-version', 'x-ms-file-size', 'x-ms-file-name', 'mimetype'].some((name) => headers.has(name))
  );
}

function factsOf(headers: Headers): BodyFacts {
  const fileName = headers.get('x-ms-file-name') ?? '';
  const general = /^(?:application\/(?:octet-stream|json)|text\/plain)\b/i;
  const content = headers.get('content-type') ?? '';
  const mimeType = headers.get('mimetype') ?? (general.test(content) ? '' : content);
  return {
    ...(fileName === '' ? {} : { fileName }),
    ...(mimeType === '' ? {} : { mimeType }),
  };
}

function wholeNumber(text: string | null | undefined): number | undefined {
  return text !== null && text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function missing({ table, column }: BodyPlace): Failure {
  return new Failure({
    code: 'file-missing',
    message: `The environment has no body for column ${column} of a row of table ${table}.`,
    details: { table, column },
  });
}

function notWhole({ table, column }: BodyPlace): Failure {
  return new Failure({
    code: 'file-not-whole',
    message: `The body of column ${column} of a row of table ${table} has another length than the environment says.`,
    details: { table, column },
  });
}

function foreign({ table, column }: BodyPlace): Failure {
  return new Failure({
    code: 'file-not-whole',
    message: `A request for the body of column ${column} of table ${table} was answered by a page of something else.`,
    remedy: 'Check whether a proxy or a maintenance page answers in place of the environment.',
    details: { table, column },
  });
}
