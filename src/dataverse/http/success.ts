import { unexpectedAnswer } from './answer-failure.ts';
import type { RepeatableWrite, Request } from './client.ts';
import type { HttpAnswer } from './http-client.ts';
import { InStreamError, refuseErrorInFields, refuseInStreamError } from './in-stream-error.ts';

export interface Answer {
  readonly body: Uint8Array;
  readonly headers: Headers;
  /** The address after redirects: the base of relative links in the body. */
  readonly url: URL;
}

/**
 * Reads an answer with a status of success.
 *
 * @throws InStreamError if the answer contains an error, SyntaxError if it is not whole (the client repeats
 *   the request after these two), TypeError if it is not an answer of the Web API.
 */
export type Reader<T> = (answer: Answer) => T | Promise<T>;

/** Bytes at the beginning of a body that show whether it is JSON or CSDL. */
const BEGINNING = 64;
/** A success as it was read: its value, the body of an error in it, or the place where it is cut. */
type Success<T> = { readonly value: T } | { readonly error: Uint8Array } | { readonly cut: SyntaxError };

/** @throws Failure `unexpected-answer` if something other than the Web API answered; errors of `read`. */
export async function readSuccess<T>(
  attempt: HttpAnswer,
  url: URL,
  request: Request | RepeatableWrite,
  read: Reader<T>,
): Promise<Success<T>> {
  const { body, headers } = attempt;
  try {
    refuseErrorInFields(attempt, !('body' in request));
    return { value: await read({ body, headers, url }) };
  } catch (error) {
    if (error instanceof InStreamError) return { error: error.body };
    if (error instanceof SyntaxError && beginsLikeAnswer(body)) return { cut: error };
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw unexpectedAnswer(request, headers, error);
    }
    throw error;
  }
}

/** @throws SyntaxError, InStreamError */
export function readJson({ body }: Answer): unknown {
  // The decoder drops a byte order mark.
  const json: unknown = JSON.parse(new TextDecoder().decode(body));
  refuseInStreamError(json);
  return json;
}

/** Whether a broken body is empty or begins as one of the Web API, and is not an HTML page. */
function beginsLikeAnswer(body: Uint8Array): boolean {
  const beginning = new TextDecoder().decode(body.subarray(0, BEGINNING)).trimStart();
  return /^(?:$|\{|<\?xml|<(?:\w+:)?Edmx\b)/i.test(beginning);
}
