import { backOff } from '../../timing/back-off.ts';
import { isSuccess, type ApiError } from './api-error.ts';
import { isPermanent } from './api-failure.ts';

/** What the client does after an answer that is not a whole success. */
export type Verdict = 'throttled' | 'transient' | 'unauthorized' | 'final';

/** Repetitions after passing trouble. */
export const MAX_RETRIES = 5;
/** Repetitions after a 429, which says when to come again. */
export const MAX_THROTTLED = 20;

/**
 * How often the client sends one request at most: the first time, after trouble that passes, and after a
 * server said that it is busy; each of these answers may be followed by one about the access token. Redirects,
 * three at most, are further sends.
 */
export const MOST_SENDS = 2 * (1 + MAX_RETRIES + MAX_THROTTLED);

/** The rest before a request is repeated. */
const REST = { first: 1_000, longest: 60_000 };
/** The least wait after a 429. */
const LEAST_WAIT = { first: 50, longest: 60_000 };
const LONGEST_WAIT = 3_600_000;

const TRANSIENT_STATUS = new Set([408, 500, 502, 503, 504]);

const SQL_TIME_OUT = '0x80044151';

// Passing trouble that Dataverse reports under other statuses than 5xx, most often under 400.
const TRANSIENT_CODES = new Set([
  '0x80044150', // Generic SQL error.
  SQL_TIME_OUT,
  '0x80048543', // A solution import holds the database.
  '0x8004a001', // The server is busy.
  '0x8005f103', // Too many requests.
  '0x80072324', // Too many concurrent requests detected.
  '0x80048544', // Query throttling, and its three reasons:
  '0x80048644',
  '0x80048744',
  '0x80048745',
]);

const SERVICE_PROTECTION_CODES = new Set(['0x80072321', '0x80072322', '0x80072326']);

/** Decides by status and error code alone, because messages are translated and change. */
export function classify(error: Pick<ApiError, 'status' | 'code'>): Verdict {
  if (error.status === 429 || SERVICE_PROTECTION_CODES.has(error.code)) return 'throttled';
  if (error.status === 401) return 'unauthorized';
  // Some front ends report permanent errors as 500.
  if (isPermanent(error.code)) return 'final';
  if (TRANSIENT_CODES.has(error.code) || TRANSIENT_STATUS.has(error.status)) return 'transient';
  // The server failed after it had sent its status: nothing was wrong with the request.
  if (isSuccess(error.status)) return 'transient';
  return 'final';
}

/** Whether the environment's database took too long. The same request would time out again. */
export function isSqlTimeOut(error: Pick<ApiError, 'code'>): boolean {
  return error.code === SQL_TIME_OUT;
}

/** Whether the database or a gateway took too long. For a gateway the size of the request may not be the cause. */
export function isTimeOut(error: Pick<ApiError, 'status' | 'code'>): boolean {
  return isSqlTimeOut(error) || error.status === 504 || error.status === 408;
}

// Codes of undici and the system for a connection that broke or could not be made.
const NETWORK_CODES = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
  'EPROTO',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** The code of a broken connection anywhere in the causes of `error`; undefined if there is none. */
export function networkCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code: unknown = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && isNetworkCode(code)) return code;
    if (at instanceof AggregateError && at.errors.length > 0) return networkCode(at.errors[0]);
  }
  return undefined;
}

/**
 * Families of codes: the answer is not HTTP (llhttp), a record is not TLS (OpenSSL), or a body is cut or
 * garbled within its coding (zlib, brotli).
 */
const NETWORK_CODE = /^(?:HPE_|ERR_SSL_|Z_|ERR__ERROR_|ERR_BROTLI_)/;

function isNetworkCode(code: string): boolean {
  return NETWORK_CODES.has(code) || NETWORK_CODE.test(code);
}

/**
 * Milliseconds before a request is repeated: 1 s, doubling to 60 s, or the longer time that the server asks
 * for (a 503 may), up to a minute.
 *
 * @param error the answer; an empty object if the connection broke.
 * @param retry 1 for the first repetition.
 * @param random in [0, 1).
 */
export function transientDelay(error: Pick<ApiError, 'retryAfter'>, retry: number, random: number): number {
  return Math.max(backOff(REST, retry, random), Math.min(REST.longest, error.retryAfter ?? 0));
}

/**
 * Milliseconds for which all requests of the identity wait after a 429: the time that the server asks for,
 * up to an hour. A server that keeps asking for no time gets a longer wait each time.
 *
 * @param retry 1 for the first refusal of a request.
 * @param random in [0, 1).
 */
export function throttleWait(error: Pick<ApiError, 'retryAfter'>, retry: number, random: number): number {
  if (error.retryAfter === undefined) return backOff(REST, retry + 1, random);
  return Math.min(LONGEST_WAIT, Math.max(error.retryAfter, backOff(LEAST_WAIT, retry)));
}
