import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createBursts, fieldsOf } from '../../log/log-throttle.ts';
import { Failure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import {
  answerTooLarge,
  describe,
  notWhole,
  timedOut,
  unauthorized,
  unexpectedAnswer,
  unknownCoding,
} from './answer-failure.ts';
import { isSuccess, readApiError } from './api-error.ts';
import { apiFailure, exhausted, type Subject } from './api-failure.ts';
import type { Budget, Priority } from '../budget/budget.ts';
import { CalculatedLimits } from './calculated-limits.ts';
import { connectionFailure } from './connection-failure.ts';
import { UnknownCoding } from './content-coding.ts';
import { isTimeoutError, type HttpAnswer, type HttpCall, type HttpClient } from './http-client.ts';
import { ownUrl } from './origin.ts';
import type { PageBuffers } from '../page/page-buffers.ts';
import { MemoryShort, PageMemory } from '../page/page-memory.ts';
import { PageSizes } from '../page/page-sizes.ts';
import { RefusedColumns } from '../feed/refused-columns.ts';
import { RequestCounts } from './request-counts.ts';
import { AnswerTooLarge } from './response-body.ts';
import {
  classify,
  isSqlTimeOut,
  isTimeOut,
  MAX_RETRIES,
  MAX_THROTTLED,
  networkCode,
  throttlePause,
  transientDelay,
} from './retry.ts';
import type { TokenSource } from '../sign-in/sign-in.ts';
import { refuseToldFailure, refuseToldInFields, ToldFailure } from './told-failure.ts';

/** The Web API this was written for; later versions of v9 answer the same. */
export const API_PATH = '/api/data/v9.2/';

export interface Request extends Subject {
  /** A path under the API, or a link as the environment gave it. */
  readonly url: string;
  readonly priority: Priority;
  /** The table that it is counted for, where it is about one that `table` does not name. */
  readonly countedFor?: string;
  readonly prefer?: readonly string[];
  readonly accept?: string;
  /** Asks for metadata as it was just written, rather than from a cache. */
  readonly consistency?: 'Strong';
  /** Bytes of the answer at most, decompressed; without it as many as pages may take, and between 64 and 256 MiB. */
  readonly largest?: number;
  /** Bytes that are likely to come. */
  readonly expected?: number;
  /** Where the memory for the answer comes from, and is given back to by whoever asks. */
  readonly buffers?: PageBuffers;
  /**
   * It can be made smaller, so what times out is not repeated as it is: the failure `page-timed-out`
   * comes with the first time-out of the database, and the second of anything else.
   */
  readonly divisible?: boolean;
}

/** A change that may be made twice: it is repeated where nobody knows whether it was made. */
export interface RepeatableWrite extends Request {
  readonly method: 'PUT' | 'POST';
  /** Sent as JSON. */
  readonly body: unknown;
  /** Keeps the labels in languages that the body does not have. */
  readonly mergeLabels?: true;
}

export interface Answer {
  readonly body: Uint8Array;
  readonly headers: Headers;
  /** Where it came from, redirects followed: what its relative links are relative to. */
  readonly url: URL;
}

/**
 * What an answer means.
 *
 * @throws ToldFailure where it tells of a failure, SyntaxError where it is not whole, TypeError where it is
 *   something else: the client repeats the request after the first two.
 */
type Reader<T> = (answer: Answer) => T | Promise<T>;

export interface ClientOptions {
  /** Scheme, host and port of the environment. */
  readonly origin: string;
  readonly tokens: TokenSource;
  readonly budget: Budget;
  readonly http: HttpClient;
  readonly logger: Logger;
  /** Milliseconds from the start of a request to the last byte of its answer. */
  readonly requestTimeout: number;
  /** Bytes that a page is to have about, and no more unless a single row has. */
  readonly pageBytes: number;
  /** Bytes of pages in memory. */
  readonly memory: number;
  readonly userAgent: string;
}

/** Same-origin redirects followed; Dataverse is not known to send any. */
const MAX_REDIRECTS = 3;
/** Bytes; metadata of a large environment takes a part of it. */
const LARGEST_ANSWER = 256 * 1024 * 1024;
/** Bytes of metadata that are read however little memory there is for pages: without them nothing works. */
const LEAST_MEMORY = 64 * 1024 * 1024;
/** Bytes of a body that tell whether it is JSON or CSDL. */
const BEGINNING = 64;
/** In place of a code, where our own limit ended the wait. */
const TIME_OUT = 'time-out';
/** In place of a code, where JSON or CSDL is cut or garbled. */
const NOT_WHOLE = 'not-whole';

/** An answer, and the token it was had with. */
type Attempt = HttpAnswer & { readonly token: string };

/** Requests to one environment: signed in, within the budget, retried where that can help. */
export class DataverseClient {
  readonly origin: string;
  /** What the environment was found to refuse. */
  readonly calculatedLimits = new CalculatedLimits();
  readonly refusedColumns = new RefusedColumns();
  readonly pageSizes: PageSizes;
  readonly pageMemory: PageMemory;
  readonly requestCounts = new RequestCounts();
  /** Asking for the metadata version was found to cost last pages their delta links. */
  versionCostsLinks = false;
  private readonly options: ClientOptions;
  private readonly troubles = createBursts();

  constructor(options: ClientOptions) {
    this.options = options;
    this.origin = options.origin;
    this.pageSizes = new PageSizes(options.pageBytes, options.memory);
    this.pageMemory = new PageMemory(options.memory);
  }

  /**
   * What `read` makes of the answer to `request`, once it is a success and whole.
   *
   * A 429 pauses the whole identity as long as it says; passing trouble is retried up to five times
   * with back-off, and so is a success that says it is not whole; a 401 renews the token once.
   *
   * @throws Failure classed by what to do next; the signal's reason when aborted.
   */
  async get<T>(request: Request, signal: AbortSignal, read: Reader<T>): Promise<T> {
    return this.send(request, signal, read);
  }

  /** As `get`, with the answer as JSON. For small answers only: numbers become JavaScript's. */
  async getJson(request: Request, signal: AbortSignal): Promise<unknown> {
    return this.get(request, signal, readJson);
  }

  /**
   * Makes a change, under the rules of `get`; only a redirect is not followed.
   *
   * @throws Failure classed by what to do next; the signal's reason when aborted.
   */
  async write(request: RepeatableWrite, signal: AbortSignal): Promise<void> {
    await this.send(request, signal, (answer) => {
      if (answer.body.length > 0) readJson(answer);
    });
  }

  private async send<T>(
    request: Request | RepeatableWrite,
    signal: AbortSignal,
    read: Reader<T>,
  ): Promise<T> {
    const { logger, budget, tokens } = this.options;
    let url = ownUrl(request.url, this.origin, this.origin + API_PATH);
    let retries = 0;
    let throttled = 0;
    let redirects = 0;
    let timeOuts = 0;
    let renewed = false;
    for (;;) {
      let attempt: Attempt;
      try {
        attempt = await this.attempt(url, request, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Failure || error instanceof MemoryShort) throw error;
        if (error instanceof AnswerTooLarge) throw answerTooLarge(request, error);
        if (error instanceof UnknownCoding) throw unknownCoding(request, error);
        const code = networkCode(error) ?? (isTimeoutError(error) ? TIME_OUT : undefined);
        if (code === undefined) throw connectionFailure(error, this.origin);
        if (code === TIME_OUT && request.divisible === true && ++timeOuts > 1) {
          throw timedOut(code, request, false);
        }
        if (++retries > MAX_RETRIES) throw exhausted(code, retries, request, error);
        const delay = transientDelay({}, retries, Math.random());
        await this.wait(delay, code, { trouble: code, retry: retries }, request, signal);
        continue;
      }
      const { status, headers } = attempt;
      budget.observe(headers);
      if (status >= 300 && status < 400) {
        url = this.redirected(attempt, url, ++redirects, 'body' in request ? 0 : MAX_REDIRECTS);
        continue;
      }
      let said = attempt.body;
      if (isSuccess(status)) {
        const success = await readSuccess(attempt, url, request, read);
        if ('value' in success) return success.value;
        if ('cut' in success) {
          if (++retries > MAX_RETRIES) throw notWhole(request, headers, retries, success.cut);
          const delay = transientDelay({}, retries, Math.random());
          await this.wait(delay, NOT_WHOLE, { trouble: NOT_WHOLE, retry: retries }, request, signal);
          continue;
        }
        said = success.told;
      }
      const error = readApiError(status, headers, said, Date.now(), { token: attempt.token, url });
      const verdict = classify(error);
      // Each token may be refused once, however long the request is repeated for other reasons.
      if (verdict !== 'unauthorized') renewed = false;
      const fields = { table: request.table, ...error };
      if (verdict === 'throttled') {
        if (++throttled > MAX_THROTTLED) throw exhausted(describe(error), throttled, request);
        const pause = throttlePause(error, throttled, Math.random());
        budget.pause(pause);
        this.tell(
          `${error.status} ${error.code}`,
          { ...fields, pause },
          'Dataverse asked to slow down; all requests pause.',
        );
      } else if (verdict === 'transient') {
        if (request.divisible === true && isTimeOut(error)) {
          const certain = isSqlTimeOut(error);
          if (certain || ++timeOuts > 1) throw timedOut(describe(error), request, certain);
        }
        if (++retries > MAX_RETRIES) throw exhausted(describe(error), retries, request);
        const delay = transientDelay(error, retries, Math.random());
        const about = `${error.status} ${error.code}`;
        await this.wait(delay, about, { ...fields, retry: retries }, request, signal);
      } else if (verdict === 'unauthorized' && !renewed) {
        renewed = true;
        tokens.refuse(attempt.token);
        logger.info(fields, 'Dataverse refused the access token; signing in once more.');
      } else {
        const failure = verdict === 'unauthorized' ? unauthorized(error) : apiFailure(error, request);
        logger.debug(fields, 'Dataverse refused a request.');
        throw failure;
      }
    }
  }

  private async attempt(url: URL, request: Request | RepeatableWrite, signal: AbortSignal): Promise<Attempt> {
    const { budget, http, requestTimeout, tokens, userAgent } = this.options;
    const headers = {
      accept: request.accept ?? 'application/json',
      'accept-encoding': 'gzip',
      'odata-maxversion': '4.0',
      'odata-version': '4.0',
      'user-agent': userAgent,
      'x-ms-client-request-id': randomUUID(),
      ...(request.prefer === undefined ? {} : { prefer: request.prefer.join(',') }),
      ...(request.consistency === undefined ? {} : { consistency: request.consistency }),
    };
    const content = contentOf(request);
    const { largest = largestAnswer(this.options.memory), expected, buffers } = request;
    const call = (token: string): HttpCall => ({
      ...content,
      url,
      headers: { ...headers, ...content.headers, authorization: `Bearer ${token}` },
      largest,
      ...(expected === undefined ? {} : { expected }),
      ...(buffers === undefined ? {} : { buffers }),
    });
    // Signing in may take long and fail, and is to cost no place in the line then.
    await tokens.token(signal);
    return budget.spend(request.priority, signal, async () => {
      // The wait in the line may have been a pause of an hour, which a token does not outlive.
      const token = await tokens.token(signal);
      const limit = AbortSignal.timeout(requestTimeout);
      const about = request.countedFor ?? request.table;
      if (about !== undefined) this.requestCounts.add(about);
      try {
        return { ...(await http.send(call(token), AbortSignal.any([signal, limit]))), token };
      } catch (error) {
        // The connection's own error says "aborted", whoever aborted it.
        if (limit.aborted) throw limit.reason;
        throw error;
      }
    });
  }

  private redirected(attempt: HttpAnswer, from: URL, redirects: number, most: number): URL {
    const location = attempt.headers.get('location');
    if (location === null || redirects > most) {
      throw new Failure({
        code: 'unexpected-answer',
        reaction: 'stop-table',
        message: `${this.origin} answered ${attempt.status} ${location === null ? 'without an address' : 'with a redirect that is not followed'}.`,
        remedy: 'Check that dataverse.url (DATAVERSE_URL) is the address of the environment itself.',
      });
    }
    return ownUrl(location, this.origin, from.href);
  }

  private async wait(
    delay: number,
    about: string,
    fields: object,
    request: Request,
    signal: AbortSignal,
  ): Promise<void> {
    const entry = { table: request.table, ...fields, delay };
    this.tell(about, entry, 'A request to Dataverse failed; it will be repeated.');
    await sleep(delay, signal);
  }

  /** What befalls one request befalls most of them, those of hundreds of tables. */
  private tell(about: string, fields: object, message: string): void {
    const occurrence = this.troubles(about);
    this.options.logger[occurrence.isTold ? 'warn' : 'debug'](
      { ...fields, ...fieldsOf(occurrence) },
      message,
    );
  }
}

/** Bytes of an answer that is no page, by the memory for pages. */
function largestAnswer(memory: number): number {
  return Math.min(LARGEST_ANSWER, Math.max(LEAST_MEMORY, memory));
}

/** Method, body and the headers that go with them. */
function contentOf(request: Request | RepeatableWrite): Pick<HttpCall, 'method' | 'headers' | 'body'> {
  if (!('body' in request)) return { method: 'GET', headers: { 'if-none-match': 'null' } };
  return {
    method: request.method,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(request.mergeLabels === undefined ? {} : { 'mscrm.mergelabels': 'true' }),
    },
    body: JSON.stringify(request.body),
  };
}

/** What a success was read as: its value, the error body it tells of, or where it is cut. */
type Success<T> = { readonly value: T } | { readonly told: Uint8Array } | { readonly cut: SyntaxError };

/** @throws Failure `unexpected-answer` for something in place of the Web API's answer; what `read` ends in. */
async function readSuccess<T>(
  attempt: Attempt,
  url: URL,
  request: Request | RepeatableWrite,
  read: Reader<T>,
): Promise<Success<T>> {
  const { body, headers } = attempt;
  try {
    refuseToldInFields(attempt, !('body' in request));
    return { value: await read({ body, headers, url }) };
  } catch (error) {
    if (error instanceof ToldFailure) return { told: error.body };
    if (error instanceof SyntaxError && beginsLikeOne(body)) return { cut: error };
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw unexpectedAnswer(request, headers, error);
    }
    throw error;
  }
}

/** @throws SyntaxError, ToldFailure. */
function readJson({ body }: Answer): unknown {
  // The decoder drops a byte order mark.
  const json: unknown = JSON.parse(new TextDecoder().decode(body));
  refuseToldFailure(json);
  return json;
}

/** Whether a body is the Web API's as far as it goes, or has nothing at all, rather than a page for people. */
function beginsLikeOne(body: Uint8Array): boolean {
  const beginning = new TextDecoder().decode(body.subarray(0, BEGINNING)).trimStart();
  return /^(?:$|\{|<\?xml|<(?:\w+:)?Edmx\b)/i.test(beginning);
}
