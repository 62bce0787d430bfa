import { normalizeCode } from './api-error.ts';
import type { HttpAnswer } from './http-client.ts';

/**
 * Errors within an answer whose status says success. OData's protocol ("In-Stream Error") leaves the form
 * open: an error within the payload, a payload that is not whole, or the trailer `OData-Error`. The client
 * must treat the entire answer as an error.
 */

/** The server failed after it had sent a success status: nothing of that answer holds. */
export class InStreamError extends Error {
  /** The body that the answer would have under an error status. */
  readonly body: Uint8Array;

  /** @param error an object with code and message, or an object whose `error` is such an object. */
  constructor(error: Record<string, unknown>) {
    super('The answer says that the server failed.');
    this.name = 'InStreamError';
    const { error: inner } = error;
    this.body = new TextEncoder().encode(JSON.stringify({ error: isObject(inner) ? inner : error }));
  }
}

/** Names of members that are errors, in any object of an answer. */
const ERROR_NAME = /^(?:odata\.)?(?:inner)?(?:errors?|exceptions?|faults?|failures?)$/i;
/** Words in the names of annotations that are errors: `@odata.error`, `@Core.ResourceException`, `@odata.partial`. */
const ERROR_TERM = /error|exception|failure|failed|(?<!de)fault|partial|incomplete|truncated/i;

/** Levels of nested objects that are searched for an error. */
const DEPTH = 5;

/** Whether the name of a member, of a row or any other object, means an error. */
export function isErrorName(name: string): boolean {
  const at = name.indexOf('@');
  return at === -1 ? ERROR_NAME.test(name) : ERROR_TERM.test(name.slice(at + 1));
}

/** Whether a member belongs to an error body: some front ends write code and message without `error`. */
export function isErrorBodyMember(name: string): boolean {
  return isErrorName(name) || name.toLowerCase() === 'message';
}

/** Whether a member with the name of an error says that there was none. */
export function isEmptyError(value: unknown): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/**
 * Whether a member beside the rows of a page is an error. A collection has `value` and annotations (OData JSON
 * Format, "Representing a Collection of Entities"). Any other member is a message from a server that could not go on.
 */
export function isErrorBesideRows(name: string, value: unknown): boolean {
  if (isErrorName(name)) return !isEmptyError(value);
  return name.includes('@') ? holdsError(value) : value !== null;
}

/** For example, `@Core.Messages` lists messages with their severity. */
function holdsError(value: unknown, depth = DEPTH): boolean {
  if (depth === 0 || typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, inner]: [string, unknown]) => {
    if (isErrorName(name) && !isEmptyError(inner)) return true;
    return (name.toLowerCase() === 'severity' && inner === 'error') || holdsError(inner, depth - 1);
  });
}

/** @throws InStreamError if parsed JSON has an error among its members, or in an item of its `value`. */
export function refuseInStreamError(json: unknown): void {
  if (!isObject(json)) return;
  const items: unknown = json['value'];
  if (!Array.isArray(items)) refuseMembers(json, isError);
  else {
    refuseMembers(json, (name, value) => name !== 'value' && isErrorBesideRows(name, value));
    for (const item of items) if (isObject(item)) refuseMembers(item, isError);
  }
}

function isError(name: string, value: unknown): boolean {
  return isErrorName(name) && !isEmptyError(value);
}

function refuseMembers(
  object: Record<string, unknown>,
  tells: (name: string, value: unknown) => boolean,
): void {
  const told = Object.entries(object).filter(([name, value]) => tells(name, value));
  if (told.length > 0) throw inStreamErrorOf(told);
}

/**
 * The error in these members: the first whole error object, or their code and message. Nothing of any other
 * member is passed on, not even its name: like an HTML page, it may quote anything.
 */
export function inStreamErrorOf(
  members: readonly (readonly [name: string, value: unknown])[],
): InStreamError {
  const whole = members.flatMap(([, value]) => value).find(isObject);
  if (whole !== undefined) return new InStreamError(whole);
  const part = (wanted: string): unknown => members.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const code = normalizeCode(part('code'));
  if (code !== '') return new InStreamError({ code, message: part('message') });
  return new InStreamError({ message: 'Its error is not in the form of the Web API.' });
}

/**
 * Refuses a success whose headers, trailers or status say that it is not whole.
 *
 * @throws InStreamError for an error in the trailers (OData 4.01, "Header OData-Error"), and for a partial
 *   answer to a read, by status or `Content-Range`.
 */
export function refuseErrorInFields(
  { status, headers, trailers }: Pick<HttpAnswer, 'status' | 'headers' | 'trailers'>,
  isRead: boolean,
): void {
  // A proxy may have merged the trailers into the headers (RFC 9110, section 6.5.1).
  const odataError = headers.get('odata-error');
  if (odataError !== null) throw errorInField(odataError);
  for (const [name, value] of trailers) if (ERROR_TERM.test(name)) throw errorInField(value);
  if (!isRead) return;
  if (status !== 200)
    throw new InStreamError({ message: 'Only the status 200 is a whole answer to a read.' });
  if (headers.has('content-range'))
    throw new InStreamError({ message: 'The answer is only a part (Content-Range).' });
}

function errorInField(value: string): InStreamError {
  try {
    const error: unknown = JSON.parse(value);
    if (isObject(error)) return new InStreamError(error);
  } catch {
    // Any other text is dropped, because it may quote anything.
  }
  return new InStreamError({ message: 'The error is in a header or a trailer.' });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
