import { backOff } from '../../timing/back-off.ts';
import { isSuccess, type ApiError } from './api-error.ts';
import { isPermanent } from './api-failure.ts';

/** What the client does with an answer or a broken connection. */
export type Verdict = 'throttled' | 'transient' | 'unauthorized' | 'final';

/** Attempts after the first, for trouble that passes. */
export const MAX_RETRIES = 5;
/** Attempts after the first, for a server that says it is busy and when to come again. */
export const MAX_THROTTLED = 20;

/** The rest before a request is repeated. */
const REST = { first: 1_000, longest: 60_000 };
/** The pause after a 429 that asks for no time, or for less. */
const LEAST_PAUSE = { first: 50, longest: 60_000 };
const LONGEST_PAUSE = 3_600_000;

const TRANSIENT_STATUS = new Set([408, 500, 502, 503, 504]);

const SQL_TIME_OUT = '0x80044151';

// Passing trouble that Dataverse reports under other statuses, most often 400.
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

/** Decides by status and error code alone: texts are translated and change. */
export function classify(error: Pick<ApiError, 'status' | 'code'>): Verdict {
  if (error.status === 429 || SERVICE_PROTECTION_CODES.has(error.code)) return 'throttled';
  if (error.status === 401) return 'unauthorized';
  // Some front ends report permanent trouble as 500.
  if (isPermanent(error.code)) return 'final';
  if (TRANSIENT_CODES.has(error.code) || TRANSIENT_STATUS.has(error.status)) return 'transient';
  // A server that fails after it has sent its status: nothing was wrong with the request.
  if (isSuccess(error.status)) return 'transient';
  return 'final';
}

/** The environment's database took too long: the same again would, too. */
export function isSqlTimeOut(error: Pick<ApiError, 'code'>): boolean {
  return error.code === SQL_TIME_OUT;
}

/** Something on the way took too long; whether because of what was asked for is not known. */
export function isTimeOut(error: Pick<ApiError, 'status' | 'code'>): boolean {
  return isSqlTimeOut(error) || error.status === 504 || error.status === 408;
}

// What undici and the system call a connection that broke or never came to be.
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

/** The code of a broken connection, or undefined when `error` is something else. */
export function networkCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code: unknown = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && isNetworkCode(code)) return code;
    if (at instanceof AggregateError && at.errors.length > 0) return networkCode(at.errors[0]);
  }
  return undefined;
}

/**
 * Of these there are many: an answer that is no HTTP (llhttp), a record that is no TLS (OpenSSL), a body
 * that is cut or garbled within its coding (zlib, brotli).
 */
const NETWORK_CODE = /^(?:HPE_|ERR_SSL_|Z_|ERR__ERROR_|ERR_BROTLI_)/;

function isNetworkCode(code: string): boolean {
  return NETWORK_CODES.has(code) || NETWORK_CODE.test(code);
}

/**
 * Milliseconds before a request is repeated: 1 s doubling to 60 s, or what the server asked for, which a
 * 503 may, up to a minute.
 *
 * @param error the answer of passing trouble; nothing where the connection broke.
 * @param retry 1 for the first repetition.
 * @param random in [0, 1).
 */
export function transientDelay(error: Pick<ApiError, 'retryAfter'>, retry: number, random: number): number {
  return Math.max(backOff(REST, retry, random), Math.min(REST.longest, error.retryAfter ?? 0));
}

/**
 * Milliseconds that the whole identity pauses after a 429: what the server asked, within reason. One
 * that asks for no time, again and again, is given more each time.
 *
 * @param retry 1 for the first refusal of a request.
 * @param random in [0, 1).
 */
export function throttlePause(error: Pick<ApiError, 'retryAfter'>, retry: number, random: number): number {
  if (error.retryAfter === undefined) return backOff(REST, retry + 1, random);
  return Math.min(LONGEST_PAUSE, Math.max(error.retryAfter, backOff(LEAST_PAUSE, retry)));
}
