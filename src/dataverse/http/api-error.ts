import { hasFragment, redacted } from '../../log/redaction.ts';

/** What may be known of an answer that is no success, or tells of a failure all the same: nothing else of it is logged, stored or shown. */
export interface ApiError {
  readonly status: number;
  /** HRESULT as lower-case hexadecimal, `0x80044352`; empty where the body names none. */
  readonly code: string;
  /** The Web API's message without what it quotes; of anything else its length alone. */
  readonly message: string;
  /** The body is no error of the Web API: something in its place has answered. */
  readonly isForeign?: true;
  readonly requestId?: string;
  /** Milliseconds, from `Retry-After`. */
  readonly retryAfter?: number;
}

/** What was asked, for what the answer may repeat of it and what it may not. */
export interface Asked {
  readonly token: string;
  readonly url: URL;
}

const MAX_MESSAGE = 2_000;

/**
 * Reads an error answer. Dataverse writes codes in either case of hexadecimal and, in older parts, as
 * a signed decimal; a proxy or a maintenance page may answer HTML or nothing.
 *
 * @param now milliseconds since 1970, for a `Retry-After` that is a date.
 */
export function readApiError(
  status: number,
  headers: Headers,
  body: Uint8Array,
  now: number,
  asked: Asked,
): ApiError {
  const error = errorMember(body);
  const secrets = [asked.token];
  const requestId = requestIdOf(headers, secrets);
  // By the server's own clock, where it tells: that of this machine may be hours off.
  const sentAt = Date.parse(headers.get('date') ?? '');
  const retryAfter = parseRetryAfter(headers.get('retry-after'), Number.isNaN(sentAt) ? now : sentAt);
  return {
    status,
    code: error?.code ?? '',
    message:
      error === undefined
        ? `${body.length} bytes that are no error of the Web API`
        : redacted(error.message, { secrets, names: namesIn(asked.url) }).slice(0, MAX_MESSAGE),
    ...(error === undefined ? { isForeign: true } : {}),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** The answer in a sentence: `404 0x80060888: Resource not found for the segment 'accounts'.` */
export function describeApiError({ status, code, message }: ApiError): string {
  return `${status}${code === '' ? '' : ` ${code}`}: ${message}`;
}

/** Dataverse's ids are GUIDs, sometimes several. Text of any other form could be anything of the request. */
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_IDS = 4;

/** What the answer calls itself, for a support case; undefined without an id that may be shown. */
export function requestIdOf(headers: Headers, secrets: readonly string[] = []): string | undefined {
  for (const name of ['x-ms-service-request-id', 'req_id']) {
    const ids = (headers.get(name) ?? '').split(',').map((id) => id.trim());
    const plausible = ids.filter((id) => GUID.test(id) && !hasFragment(id, secrets)).slice(0, MAX_IDS);
    if (plausible.length > 0) return plausible.join(', ');
  }
  return undefined;
}

/** Names that the request had itself: of the entity set, and of selected columns. */
function namesIn(url: URL): ReadonlySet<string> {
  const path = url.pathname.match(/[A-Za-z_]\w*/g) ?? [];
  const selected = (url.searchParams.get('$select') ?? '').split(',');
  return new Set([...path, ...selected].filter((name) => /^[A-Za-z_]\w*$/.test(name)));
}

/** `-2147204270`, `0x80044352` and `0X80044352` are one code; any other text is none. */
export function normalizeCode(code: unknown): string {
  const text = typeof code === 'number' ? String(code) : typeof code === 'string' ? code.trim() : '';
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return text.toLowerCase();
  if (/^-?\d{1,10}$/.test(text)) return `0x${(Number(text) >>> 0).toString(16).padStart(8, '0')}`;
  return '';
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

/**
 * Code and message of an error of the Web API; undefined for any other body. The OData form nests them.
 * Older parts do not: they are told from the JSON of a gateway by the code.
 */
function errorMember(body: Uint8Array): { readonly code: string; readonly message: string } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  const nested = parsed['error'];
  const error = isRecord(nested) ? nested : parsed;
  const message = error['message'] ?? error['Message'];
  const code = normalizeCode(error['code'] ?? error['ErrorCode']);
  const isApi = code !== '' || (isRecord(nested) && typeof message === 'string');
  return isApi ? { code, message: typeof message === 'string' ? message : 'no message' } : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
