import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createBursts, fieldsOf } from '../model/burst.ts';
import { Failure } from '../model/failure.ts';
import { sleep } from '../model/sleep.ts';
import { readApiError, type ApiError } from './api-error.ts';
import { apiFailure, exhausted, type Subject } from './api-failure.ts';
import type { Budget, Priority } from './budget.ts';
import { CalculatedLimits } from './calculated-limits.ts';
import { connectionFailure } from './connection-failure.ts';
import { isTimeoutError, type HttpAnswer, type HttpCall, type HttpClient } from './http-client.ts';
import { ownUrl } from './origin.ts';
import type { PageBuffers } from './page-buffers.ts';
import { PageMemory } from './page-memory.ts';
import { PageSizes } from './page-sizes.ts';
import { RequestCounts } from './request-counts.ts';
import { AnswerTooLarge } from './response-body.ts';
import {
  backOff,
  classify,
  isSqlTimeOut,
  isTimeOut,
  MAX_RETRIES,
  MAX_THROTTLED,
  networkCode,
  throttlePause,
  transientDelay,
} from './retry.ts';
import type { TokenSource } from './sign-in.ts';

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
  /** Bytes of the answer at most, decompressed; 256 MiB without it. */
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
}

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
/** In place of a code, where our own limit ended the wait. */
const TIME_OUT = 'time-out';

/** Requests to one environment: signed in, within the budget, retried where that can help. */
export class DataverseClient {
  readonly origin: string;
  /** What the environment was found to refuse. */
  readonly calculatedLimits = new CalculatedLimits();
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
    this.pageSizes = new PageSizes(options.pageBytes);
    this.pageMemory = new PageMemory(options.memory);
  }

  /**
   * The answer to `request`, once it is a success.
   *
   * A 429 pauses the whole identity as long as it says; passing trouble is retried up to five times
   * with back-off; a 401 renews the token once.
   *
   * @throws Failure classed by what to do next; the signal's reason when aborted.
   */
  async get(request: Request, signal: AbortSignal): Promise<Answer> {
    return this.send(request, signal);
  }

  /** As `get`, with the answer as JSON. For small answers only: numbers become JavaScript's. */
  async getJson(request: Request, signal: AbortSignal): Promise<unknown> {
    const { body, headers } = await this.get(request, signal);
    try {
      return JSON.parse(new TextDecoder().decode(body));
    } catch (error) {
      throw unexpectedAnswer(request, headers, error);
    }
  }

  /**
   * Makes a change, under the rules of `get`; only a redirect is not followed.
   *
   * @throws Failure classed by what to do next; the signal's reason when aborted.
   */
  async write(request: RepeatableWrite, signal: AbortSignal): Promise<void> {
    await this.send(request, signal);
  }

  private async send(request: Request | RepeatableWrite, signal: AbortSignal): Promise<Answer> {
    const { logger, budget } = this.options;
    let url = ownUrl(request.url, this.origin, this.origin + API_PATH);
    let retries = 0;
    let throttled = 0;
    let redirects = 0;
    let timeOuts = 0;
    let renewed = false;
    for (;;) {
      const token = await this.options.tokens.token(signal);
      let attempt: HttpAnswer;
      try {
        attempt = await this.attempt(url, request, token, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof AnswerTooLarge) throw answerTooLarge(request, error);
        const code = networkCode(error) ?? (isTimeoutError(error) ? TIME_OUT : undefined);
        if (code === undefined) throw connectionFailure(error, this.origin);
        if (code === TIME_OUT && request.divisible === true && ++timeOuts > 1) {
          throw timedOut(code, request, false);
        }
        if (++retries > MAX_RETRIES) throw exhausted(code, retries, request, error);
        const delay = backOff(retries, Math.random());
        await this.wait(delay, code, { trouble: code, retry: retries }, request, signal);
        continue;
      }
      budget.observe(attempt.headers);
      if (attempt.status >= 200 && attempt.status < 300) return attempt;
      if (attempt.status >= 300 && attempt.status < 400) {
        url = this.redirected(attempt, url, ++redirects, 'body' in request ? 0 : MAX_REDIRECTS);
        continue;
      }
      const error = readApiError(attempt.status, attempt.headers, attempt.body, Date.now());
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
        this.options.tokens.refuse(token);
        logger.info(fields, 'Dataverse refused the access token; signing in once more.');
      } else {
        const failure = verdict === 'unauthorized' ? unauthorized(error) : apiFailure(error, request);
        logger.debug(fields, 'Dataverse refused a request.');
        throw failure;
      }
    }
  }

  private async attempt(
    url: URL,
    request: Request | RepeatableWrite,
    token: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { budget, http, requestTimeout, userAgent } = this.options;
    const headers = {
      accept: request.accept ?? 'application/json',
      authorization: `Bearer ${token}`,
      'accept-encoding': 'gzip',
      'odata-maxversion': '4.0',
      'odata-version': '4.0',
      'user-agent': userAgent,
      'x-ms-client-request-id': randomUUID(),
      ...(request.prefer === undefined ? {} : { prefer: request.prefer.join(',') }),
      ...(request.consistency === undefined ? {} : { consistency: request.consistency }),
    };
    const content = contentOf(request);
    const { largest = LARGEST_ANSWER, expected, buffers } = request;
    const call = {
      ...content,
      url,
      headers: { ...headers, ...content.headers },
      largest,
      ...(expected === undefined ? {} : { expected }),
      ...(buffers === undefined ? {} : { buffers }),
    };
    return budget.spend(request.priority, signal, async () => {
      const limit = AbortSignal.timeout(requestTimeout);
      const about = request.countedFor ?? request.table;
      if (about !== undefined) this.requestCounts.add(about);
      try {
        return await http.send(call, AbortSignal.any([signal, limit]));
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

/** A success that is not what the API sends: an HTML page of a proxy, say. Repeating it does not help. */
export function unexpectedAnswer(subject: Subject, headers: Headers, cause: unknown): Failure {
  const type = headers.get('content-type') ?? 'no content type';
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `A request${about} was answered with something other than the Web API's JSON (${type}).`,
    remedy: 'Check dataverse.url (DATAVERSE_URL), and whether a proxy or sign-in page answers in its place.',
    cause,
    details: { contentType: type, requestId: headers.get('x-ms-service-request-id') ?? undefined },
  });
}

/** No page is as large as this; a page's own limit is the business of whoever asked for it. */
function answerTooLarge(subject: Subject, cause: AnswerTooLarge): Failure {
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'answer-too-large',
    reaction: 'stop-table',
    message: `The answer to a request${about} is larger than ${cause.allowed} bytes; it was not read on.`,
    remedy: 'Find out what the environment answers; mirrorverse expects nothing of that size.',
    cause,
    details: subject.table === undefined ? {} : { table: subject.table },
  });
}

/** @param certain that it was because of what was asked for. */
function timedOut(what: string, subject: Subject, certain: boolean): Failure {
  const about = subject.table === undefined ? '' : ` of table ${subject.table}`;
  return new Failure({
    code: 'page-timed-out',
    reaction: 'retry',
    message: `A page${about} timed out (${what}).`,
    remedy: 'Nothing to do: it is asked for with fewer rows.',
    details: { certain, ...(subject.table === undefined ? {} : { table: subject.table }) },
  });
}

function unauthorized(error: ApiError): Failure {
  return new Failure({
    code: 'sign-in-refused',
    reaction: 'stop-table',
    message: `The environment does not accept the access token (${describe(error)}).`,
    remedy:
      'Check that the token is for this environment and that the app registration has an application user in it.',
    details: { ...error },
  });
}

function describe(error: ApiError): string {
  return `${error.status} ${error.code}: ${error.message}`;
}
