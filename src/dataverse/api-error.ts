/** What an answer said that is no success, or tells of a failure all the same, read from its status, headers and JSON body. */
export interface ApiError {
  readonly status: number;
  /** HRESULT as lower-case hexadecimal, `0x80044352`; empty where the body names none. */
  readonly code: string;
  readonly message: string;
  /** The answer's text, for the log: cut where it is longer than anyone reads. */
  readonly body: string;
  /** The body is no error of the Web API: something in its place has answered. */
  readonly isForeign?: true;
  readonly requestId?: string;
  /** Milliseconds, from `Retry-After`. */
  readonly retryAfter?: number;
}

const MAX_MESSAGE = 2_000;
const MAX_BODY = 8_000;

/**
 * Reads an error answer. Dataverse writes codes in either case of hexadecimal and, in older parts, as
 * a signed decimal; a proxy or a maintenance page may answer HTML or nothing.
 *
 * @param now milliseconds since 1970, for a `Retry-After` that is a date.
 */
export function readApiError(status: number, headers: Headers, body: Uint8Array, now: number): ApiError {
  const text = withoutTokens(new TextDecoder().decode(body));
  const error = errorMember(text);
  const requestId = headers.get('x-ms-service-request-id') ?? headers.get('req_id');
  // By the server's own clock, where it tells: that of this machine may be hours off.
  const sentAt = Date.parse(headers.get('date') ?? '');
  const retryAfter = parseRetryAfter(headers.get('retry-after'), Number.isNaN(sentAt) ? now : sentAt);
  return {
    status,
    code: normalizeCode(error?.code),
    message: (error?.message ?? `HTTP ${status} without an error body`).slice(0, MAX_MESSAGE),
    body: text.slice(0, MAX_BODY),
    ...(error === undefined ? { isForeign: true } : {}),
    ...(requestId === null ? {} : { requestId }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** `-2147204270`, `0x80044352` and `0X80044352` are one code. */
export function normalizeCode(code: unknown): string {
  const text = typeof code === 'number' ? String(code) : typeof code === 'string' ? code.trim() : '';
  if (/^0x[0-9a-f]+$/i.test(text)) return text.toLowerCase();
  if (/^-?\d+$/.test(text)) return `0x${(Number(text) >>> 0).toString(16).padStart(8, '0')}`;
  return text;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and the two obsolete forms of RFC 9110; `Date.parse` takes much more. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}( GMT| \d{4})$/;

/**
 * `Retry-After` in milliseconds: whole seconds by the documentation, a date by the standard. Undefined
 * for anything else, as where it is missing.
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  if (!HTTP_DATE.test(text)) return undefined;
  // The obsolete form of asctime names no zone; it is GMT all the same.
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** An error may quote the address that was asked for, and with it a token of the feed. */
function withoutTokens(text: string): string {
  return text.replaceAll(/((?:\$|%24)(?:delta|skip)token=)[^\s"'<>&]*/gi, '$1…');
}

function errorMember(text: string): { code?: unknown; message?: string } | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed)) return undefined;
    // The OData form nests it; the token endpoint and some front ends write `error` as a word.
    const error = isRecord(parsed['error']) ? parsed['error'] : parsed;
    const message = error['message'] ?? error['Message'];
    return { code: error['code'], ...(typeof message === 'string' ? { message } : {}) };
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
