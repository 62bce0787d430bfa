import { normalizeCode } from './api-error.ts';
import type { HttpAnswer } from './http-client.ts';

/**
 * What tells, in an answer with a success's status, that the server failed on the way. OData's protocol
 * ("In-Stream Error") leaves the form open: an error within the payload, a payload that is not whole, or
 * the trailer `OData-Error`; and has the client take the entire answer for an error.
 */

/** The error within a success: nothing of that answer holds. */
export class ToldFailure extends Error {
  /** An error body, as an answer with an error's status would have it. */
  readonly body: Uint8Array;

  /** @param error with a code and a message, or an object that has it. */
  constructor(error: Record<string, unknown>) {
    super('The answer says that the server failed.');
    this.name = 'ToldFailure';
    const { error: inner } = error;
    this.body = new TextEncoder().encode(JSON.stringify({ error: isObject(inner) ? inner : error }));
  }
}

/** A member that is called so is an error, in any object of an answer. */
const ERROR_NAME = /^(?:odata\.)?(?:inner)?(?:errors?|exceptions?|faults?|failures?)$/i;
/** As a part of what an annotation is called: `@odata.error`, `@Core.ResourceException`, `@odata.partial`. */
const ERROR_TERM = /error|exception|failure|failed|(?<!de)fault|partial|incomplete|truncated/i;

/** Objects within each other that are looked through for an error. */
const DEPTH = 5;

/** Whether a row's member, or that of any other object, tells of a failure by its name. */
export function isErrorName(name: string): boolean {
  const at = name.indexOf('@');
  return at === -1 ? ERROR_NAME.test(name) : ERROR_TERM.test(name.slice(at + 1));
}

/** Whether a member is that of an error body: some front ends write code and message without `error`. */
export function isErrorBody(name: string): boolean {
  return isErrorName(name) || name.toLowerCase() === 'message';
}

/** Whether a member that is called like an error has none. */
export function isNoError(value: unknown): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/**
 * Whether a member beside the rows of a page tells of a failure. The members of a collection are `value`
 * and annotations (OData JSON Format, "Representing a Collection of Entities"): anything else is a
 * message from a server that could not go on.
 */
export function tellsBesideRows(name: string, value: unknown): boolean {
  if (isErrorName(name)) return !isNoError(value);
  return name.includes('@') ? holdsError(value) : value !== null;
}

/** `@Core.Messages`, for one, lists messages by their severity. */
function holdsError(value: unknown, depth = DEPTH): boolean {
  if (depth === 0 || typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, inner]: [string, unknown]) => {
    if (isErrorName(name) && !isNoError(inner)) return true;
    return (name.toLowerCase() === 'severity' && inner === 'error') || holdsError(inner, depth - 1);
  });
}

/** @throws ToldFailure where parsed JSON tells of a failure, in itself or in an item of its `value`. */
export function refuseToldFailure(json: unknown): void {
  if (!isObject(json)) return;
  const items: unknown = json['value'];
  if (!Array.isArray(items)) refuseMembers(json, isTelling);
  else {
    refuseMembers(json, (name, value) => name !== 'value' && tellsBesideRows(name, value));
    for (const item of items) if (isObject(item)) refuseMembers(item, isTelling);
  }
}

function isTelling(name: string, value: unknown): boolean {
  return isErrorName(name) && !isNoError(value);
}

function refuseMembers(
  object: Record<string, unknown>,
  tells: (name: string, value: unknown) => boolean,
): void {
  const told = Object.entries(object).filter(([name, value]) => tells(name, value));
  if (told.length > 0) throw toldBy(told);
}

/**
 * The failure that members tell of: the first that is an error as a whole, or their code and message. Of
 * anything else nothing is told on, names included: no more is known of it than of a page for people.
 */
export function toldBy(members: readonly (readonly [name: string, value: unknown])[]): ToldFailure {
  const whole = members.flatMap(([, value]) => value).find(isObject);
  if (whole !== undefined) return new ToldFailure(whole);
  const part = (wanted: string): unknown => members.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const code = normalizeCode(part('code'));
  if (code !== '') return new ToldFailure({ code, message: part('message') });
  return new ToldFailure({ message: 'It says so without an error of the Web API.' });
}

/**
 * Refuses a success that says it is not whole before its body is looked at.
 *
 * @throws ToldFailure for an error in the trailers (OData 4.01, "Header OData-Error"), and for an answer to
 *   a read that is a part by its status or `Content-Range`.
 */
export function refuseToldInFields(
  { status, headers, trailers }: Pick<HttpAnswer, 'status' | 'headers' | 'trailers'>,
  isRead: boolean,
): void {
  // Somebody on the way may have put trailers among the headers (RFC 9110, section 6.5.1).
  const odataError = headers.get('odata-error');
  if (odataError !== null) throw toldByField(odataError);
  for (const [name, value] of trailers) if (ERROR_TERM.test(name)) throw toldByField(value);
  if (!isRead) return;
  if (status !== 200) throw new ToldFailure({ message: 'A read is answered in whole with 200 alone.' });
  if (headers.has('content-range')) throw new ToldFailure({ message: 'It is a part only (Content-Range).' });
}

function toldByField(value: string): ToldFailure {
  try {
    const error: unknown = JSON.parse(value);
    if (isObject(error)) return new ToldFailure(error);
  } catch {
    // Any other text may quote anything.
  }
  return new ToldFailure({ message: 'It says so in a field of the answer.' });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
