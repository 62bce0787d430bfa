import { hasFragment, redacted } from '../../log/redaction.ts';

/** The parts of an error answer that are harmless. Nothing else of the answer is logged, stored or shown. */
export interface ApiError {
  readonly status: number;
  /** HRESULT in lower-case hexadecimal, such as `0x80044352`; empty if the body has none. */
  readonly code: string;
  /** The Web API's message without the values that it quotes; for any other body, its length. */
  readonly message: string;
  /** The body is not an error of the Web API: something else answered in its place. */
  readonly isForeign?: true;
  readonly requestId?: string;
  /** Milliseconds, from `Retry-After`. */
  readonly retryAfter?: number;
}

/** The request: an error message may repeat names of its URL, but no part of its token. */
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
  // The date is measured by the server's clock if the answer has it: this machine's clock may be hours off.
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

/** Dataverse sends one or several GUIDs. Text of any other form could be a part of the request. */
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_IDS = 4;

/** The request id of the answer, for a support case; undefined if there is none that may be shown. */
export function requestIdOf(headers: Headers, secrets: readonly string[] = []): string | undefined {
  for (const name of ['x-ms-service-request-id', 'req_id']) {
    const ids = (headers.get(name) ?? '').split(',').map((id) => id.trim());
    const plausible = ids.filter((id) => GUID.test(id) && !hasFragment(id, secrets)).slice(0, MAX_IDS);
    if (plausible.length > 0) return plausible.join(', ');
  }
  return undefined;
}

/** Names in the request's URL: the entity set and the selected columns. */
function namesIn(url: URL): ReadonlySet<string> {
  const path = url.pathname.match(/[A-Za-z_]\w*/g) ?? [];
  const selected = (url.searchParams.get('$select') ?? '').split(',');
  return new Set([...path, ...selected].filter((name) => /^[A-Za-z_]\w*$/.test(name)));
}

/** `-2147204270`, `0x80044352` and `0X80044352` are one code. Any other text gives ''. */
export function normalizeCode(code: unknown): string {
  const text = typeof code === 'number' ? String(code) : typeof code === 'string' ? code.trim() : '';
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return text.toLowerCase();
  if (/^-?\d{1,10}$/.test(text)) return `0x${(Number(text) >>> 0).toString(16).padStart(8, '0')}`;
  return '';
}

/** `Sun, 06 Nov 1994 08:49:37 GMT` and the two obsolete forms of RFC 9110. `Date.parse` alone accepts much more. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}( GMT| \d{4})$/;

/**
 * `Retry-After` in milliseconds. The documentation has whole seconds, the standard also a date. Undefined
 * if the header is missing or has any other value.
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  if (!HTTP_DATE.test(text)) return undefined;
  // The obsolete form of asctime names no zone; it is in GMT.
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * Code and message of an error of the Web API; undefined for any other body. The OData form nests them in
 * `error`. Older parts of the service do not: only the code distinguishes their errors from a gateway's JSON.
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
