import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { LogThrottle } from '../../log/log-throttle.ts';
import { Failure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import {
  answerTooLarge,
  describe,
  notWhole,
  timedOut,
  unauthorized,
  unknownCoding,
} from './answer-failure.ts';
import {
  connectionFailure,
  endsFirstContact,
  isNoConnection,
  passingCode,
  TIME_OUT,
} from '../network/connection-failure.ts';
import { isSuccess, readApiError } from './api-error.ts';
import { apiFailure, exhausted, type Subject } from './api-failure.ts';
import type { Budget, Priority } from '../budget/budget.ts';
import { CalculatedLimits, RefusedColumns } from './known-refusals.ts';
import { SinkError } from '../files/body-sink.ts';
import { rangeOf, type Download } from '../files/download-request.ts';
import { UnknownCoding } from './content-coding.ts';
import type { HttpAnswer, HttpCall, HttpClient } from './http-client.ts';
import { ownUrl } from './origin.ts';
import { TimeLimit } from '../files/time-limit.ts';
import type { PageBuffers } from '../page/page-buffers.ts';
import { MemoryShort, PageMemory } from '../page/page-memory.ts';
import { PageSizes } from '../page/page-sizes.ts';
import type { ProxySettings } from '../network/proxy-settings.ts';
import { RequestCounts } from './request-counts.ts';
import { watched, type RequestWatch } from './request-watch.ts';
import { AnswerTooLarge, type EarlyReader } from './response-body.ts';
import {
  classify,
  isSqlTimeOut,
  isTimeOut,
  MAX_RETRIES,
  MAX_THROTTLED,
  throttleWait,
  transientDelay,
} from './retry.ts';
import type { TokenSource } from '../sign-in/sign-in.ts';
import { readJson, readSuccess, type Reader } from './success.ts';

/** The version of the Web API that mirrorverse was written for; later versions of v9 answer the same. */
export const API_VERSION = 'v9.2';
/** The path of the Web API below the address of an environment. */
export const apiPath = (version: string): string => `/api/data/${version}/`;

export interface Request extends Subject {
  /** A path under the API, or a link as the environment gave it. */
  readonly url: string;
  readonly priority: Priority;
  /** The table that the request is counted for, if `table` is not set. */
  readonly countedFor?: string;
  readonly prefer?: readonly string[];
  readonly accept?: string;
  /** `Strong` reads metadata past the servers' caches. */
  readonly consistency?: 'Strong';
  /** Bytes of the decompressed answer at most. The default is the memory for pages, but 64 to 256 MiB. */
  readonly largest?: number;
  /** Bytes that the answer is likely to have. */
  readonly expected?: number;
  /** The memory for the answer. The caller releases it. */
  readonly buffers?: PageBuffers;
  /** Reads the answer while it comes. */
  readonly early?: EarlyReader;
  /**
   * The request can be made smaller, so it is not repeated unchanged after a time-out: it fails with
   * `page-timed-out` at the first time-out of the database, or at the second one of anything else.
   */
  readonly divisible?: boolean;
  /** The caller has another way, so the request is repeated only once after passing trouble. */
  readonly optional?: boolean;
}

/** A change that may be made twice: it is repeated when its outcome is unknown. */
export interface RepeatableWrite extends Request {
  readonly method: 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Sent as JSON; undefined to send nothing. */
  readonly body: unknown;
  /** Keeps labels in the languages that the body lacks. */
  readonly mergeLabels?: true;
}

export interface ClientOptions {
  /** Scheme, host and port of the environment; on premises also the path of the organization. No slash at the end. */
  readonly origin: string;
  /** The version of the Web API, such as `v9.1`; the default is the newest. */
  readonly apiVersion?: string | undefined;
  readonly tokens: TokenSource;
  readonly budget: Budget;
  readonly http: HttpClient;
  /** The proxy of the HTTP client, for messages. */
  readonly proxy?: ProxySettings | undefined;
  readonly logger: Logger;
  /** Milliseconds from the start of a request to the last byte of its answer. */
  readonly requestTimeout: number;
  /** Bytes that a page should have at most. A single larger row may exceed it. */
  readonly pageBytes: number;
  /** Bytes that all pages together may take in memory. */
  readonly memory: number;
  readonly userAgent: string;
  /** Is told how each request went. */
  readonly watch?: RequestWatch | undefined;
}

/**
 * Milliseconds for which a request is repeated while nothing was reached at the address yet. A person waits who may
 * have mistyped the address; the daemon opens again by itself.
 */
const FIRST_CONTACT = 2_500;
/** Redirects within the origin that are followed; Dataverse is not known to send any. */
const MAX_REDIRECTS = 3;
/** Bytes of an answer other than a page; the metadata of a large environment is smaller. */
const LARGEST_ANSWER = 256 * 1024 * 1024;
/** Bytes of metadata that are read even with little memory for pages: nothing works without metadata. */
const LEAST_MEMORY = 64 * 1024 * 1024;
/** Stands for a code in the log when JSON or CSDL is cut or garbled. */
const NOT_WHOLE = 'not-whole';

/** An answer, with the token of its request. */
type Attempt = HttpAnswer & { readonly token: string };

/** Sends requests to one environment: signs in, keeps to the budget, and repeats a request where that can help. */
export class DataverseClient {
  readonly origin: string;
  /** The address of the Web API, with a slash at its end. */
  readonly root: string;
  /** What the environment refused so far. */
  readonly calculatedLimits = new CalculatedLimits();
  readonly refusedColumns = new RefusedColumns();
  readonly pageSizes: PageSizes;
  readonly pageMemory: PageMemory;
  readonly requestCounts = new RequestCounts();
  /** Last pages of this environment lose their delta link when the metadata version is asked for. */
  versionCostsLinks = false;
  /** Something answered at the environment's address once. */
  private hasAnswered = false;
  private options: ClientOptions;
  private readonly troubles: LogThrottle;

  constructor(options: ClientOptions) {
    this.options = options;
    this.troubles = new LogThrottle(options.logger);
    this.origin = options.origin;
    this.root = options.origin + apiPath(options.apiVersion ?? API_VERSION);
    this.pageSizes = new PageSizes(options.pageBytes, options.memory);
    this.pageMemory = new PageMemory(options.memory);
  }

  /** Goes on with other limits; a request under way keeps its own. */
  change(limits: Pick<ClientOptions, 'requestTimeout' | 'pageBytes' | 'memory'>): void {
    this.options = { ...this.options, ...limits };
    this.pageSizes.change(limits.pageBytes, limits.memory);
    this.pageMemory.change(limits.memory);
  }

  /**
   * Sends `request` until it is answered with a whole success, and returns what `read` makes of that.
   *
   * - After a 429 all requests wait for as long as it says; the request is repeated up to 20 times.
   * - Passing trouble and an answer that is not whole are repeated up to five times, with back-off.
   * - A 401 renews the token once.
   *
   * @throws Failure that says what must happen next; the signal's reason when aborted.
   */
  async get<T>(request: Request, signal: AbortSignal, read: Reader<T>): Promise<T> {
    return this.send(request, signal, read);
  }

  /** As `get`, with the answer as JSON. For small answers without large numbers: JavaScript rounds those. */
  async getJson(request: Request, signal: AbortSignal): Promise<unknown> {
    return this.get(request, signal, readJson);
  }

  /**
   * Makes a change under the rules of `get`, but follows no redirect.
   *
   * @throws Failure that says what must happen next; the signal's reason when aborted.
   */
  async write(request: RepeatableWrite, signal: AbortSignal): Promise<void> {
    await this.send(request, signal, (answer) => {
      if (answer.body.length > 0) readJson(answer);
    });
  }

  /**
   * Pours a body into the sink of the request, under the rules of `get`. The time limit of a request ends with the
   * first byte of the body: after that, the body must not stand still. A sink that never begins met an empty answer.
   *
   * @throws Failure that says what must happen next; what the sink throws; the signal's reason when aborted.
   */
  async download(request: Download, signal: AbortSignal): Promise<void> {
    await this.send(request, signal, () => undefined);
  }

  private async send<T>(
    request: Request | Download | RepeatableWrite,
    signal: AbortSignal,
    read: Reader<T>,
  ): Promise<T> {
    const { logger, budget, tokens } = this.options;
    let url = ownUrl(request.url, this.origin, this.root);
    const mostRetries = request.optional === true ? 1 : MAX_RETRIES;
    let retries = 0;
    let throttled = 0;
    let redirects = 0;
    let timeOuts = 0;
    let renewed = false;
    const since = performance.now();
    for (;;) {
      let attempt: Attempt;
      try {
        attempt = await this.attempt(url, request, signal);
        this.hasAnswered = true;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Failure || error instanceof MemoryShort) throw error;
        if (error instanceof SinkError) throw error.cause;
        if (error instanceof AnswerTooLarge) throw answerTooLarge(request, error);
        if (error instanceof UnknownCoding) throw unknownCoding(request, error);
        const failure = (): unknown =>
          connectionFailure(error, retries, request, this.origin, this.options.proxy);
        const code = passingCode(error);
        if (code === undefined) throw failure();
        if (code === TIME_OUT && request.divisible === true && ++timeOuts > 1) {
          throw timedOut(code, request, false);
        }
        if (++retries > mostRetries || (!this.hasAnswered && endsFirstContact(code))) throw failure();
        const delay = transientDelay({}, retries, Math.random());
        const isLate = performance.now() + delay - since > FIRST_CONTACT;
        if (isLate && !this.hasAnswered && isNoConnection(code)) throw failure();
        await this.wait(delay, code, { trouble: code, retry: retries }, request, signal);
        continue;
      }
      const { status, headers } = attempt;
      budget.observe(headers);
      if (status >= 300 && status < 400) {
        url = this.redirected(attempt, url, ++redirects, 'body' in request ? 0 : MAX_REDIRECTS);
        continue;
      }
      let errorBody = attempt.body;
      if (isSuccess(status)) {
        if ('sink' in request) return read({ body: errorBody, headers, url });
        const success = await readSuccess(attempt, url, request, read);
        if ('value' in success) return success.value;
        if ('cut' in success) {
          if (++retries > mostRetries) throw notWhole(request, headers, retries, success.cut);
          const delay = transientDelay({}, retries, Math.random());
          await this.wait(delay, NOT_WHOLE, { trouble: NOT_WHOLE, retry: retries }, request, signal);
          continue;
        }
        errorBody = success.error;
      }
      const error = readApiError(status, headers, errorBody, Date.now(), { token: attempt.token, url });
      const verdict = classify(error);
      // Each token may be refused once, also when the request is repeated for other reasons in between.
      if (verdict !== 'unauthorized') renewed = false;
      const fields = { table: request.table, ...error };
      if (verdict === 'throttled') {
        if (++throttled > MAX_THROTTLED) throw exhausted(describe(error), throttled, request);
        const wait = throttleWait(error, throttled, Math.random());
        budget.throttle(wait);
        this.troubles.tell(
          `${error.status} ${error.code}`,
          { ...fields, delay: wait },
          'Dataverse throttles: all requests wait for as long as it asked.',
        );
      } else if (verdict === 'transient') {
        if (request.divisible === true && isTimeOut(error)) {
          const certain = isSqlTimeOut(error);
          if (certain || ++timeOuts > 1) throw timedOut(describe(error), request, certain);
        }
        if (++retries > mostRetries) throw exhausted(describe(error), retries, request);
        const delay = transientDelay(error, retries, Math.random());
        const about = `${error.status} ${error.code}`;
        await this.wait(delay, about, { ...fields, retry: retries }, request, signal);
      } else if (verdict === 'unauthorized' && !renewed) {
        renewed = true;
        tokens.refuse(attempt.token);
        logger.info(fields, 'Dataverse refused the access token; signing in once more.');
      } else {
        const failure =
          verdict === 'unauthorized'
            ? unauthorized(error, tokens.trouble?.(attempt.token))
            : apiFailure(error, request);
        logger.debug(fields, 'Dataverse refused a request.');
        throw failure;
      }
    }
  }

  private async attempt(
    url: URL,
    request: Request | Download | RepeatableWrite,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { budget, http, requestTimeout, tokens, userAgent, watch } = this.options;
    const time = new TimeLimit(requestTimeout, 'sink' in request ? request.sink : undefined);
    const headers = {
      accept: request.accept ?? 'application/json',
      // A range of a compressed body would be of no use.
      'accept-encoding': 'sink' in request ? 'identity' : 'gzip',
      'odata-maxversion': '4.0',
      'odata-version': '4.0',
      'user-agent': userAgent,
      'x-ms-client-request-id': randomUUID(),
      ...(request.prefer === undefined ? {} : { prefer: request.prefer.join(',') }),
      ...(request.consistency === undefined ? {} : { consistency: request.consistency }),
    };
    const content = contentOf(request);
    const { largest = largestAnswer(this.options.memory), expected, buffers, early } = request;
    const call = (token: string): HttpCall => ({
      ...content,
      ...time.stopping,
      url,
      headers: { ...headers, ...content.headers, ...rangeOf(request), authorization: `Bearer ${token}` },
      largest,
      ...(expected === undefined ? {} : { expected }),
      ...(buffers === undefined ? {} : { buffers }),
      ...(early === undefined ? {} : { early }),
    });
    // Signing in may take long or fail, so it happens before the request takes its place in the line.
    await tokens.token(signal);
    return budget.spend(request.priority, signal, async () => {
      // The wait in the line may have included an hour of throttling, after which the first token has expired.
      const token = await tokens.token(signal);
      const limit = time.begin();
      const about = request.countedFor ?? request.table;
      const ended = about === undefined ? undefined : this.requestCounts.begin(about, request.priority);
      try {
        const either = AbortSignal.any([signal, limit]);
        const send = async () => http.send(call(token), either);
        return { ...(await watched(watch, request.priority, signal, send)), token };
      } catch (error) {
        // The error of the connection says "aborted" for the time limit and for the caller's signal alike.
        if (limit.aborted) throw limit.reason;
        throw error;
      } finally {
        time.end();
        ended?.();
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
    this.troubles.tell(about, entry, `A request to Dataverse failed (${about.trim()}); it will be repeated.`);
    await sleep(delay, signal);
  }
}

/** Bytes that an answer other than a page may have, derived from the memory for pages. */
function largestAnswer(memory: number): number {
  return Math.min(LARGEST_ANSWER, Math.max(LEAST_MEMORY, memory));
}

/** Method, body, and the headers that describe the body. */
function contentOf(request: Request | RepeatableWrite): Pick<HttpCall, 'method' | 'headers' | 'body'> {
  if (!('body' in request)) return { method: 'GET', headers: { 'if-none-match': 'null' } };
  return {
    method: request.method,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(request.mergeLabels === undefined ? {} : { 'mscrm.mergelabels': 'true' }),
      // Without it, a PATCH makes a row that is not there.
      ...(request.method === 'PATCH' ? { 'if-match': '*' } : {}),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  };
}
