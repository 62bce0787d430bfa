import { Failure } from '../../model/failure.ts';
import { describeApiError, isSuccess, requestIdOf, type ApiError } from './api-error.ts';
import type { Subject } from './api-failure.ts';
import type { TokenTrouble } from '../sign-in/token-trouble.ts';
import type { UnknownCoding } from './content-coding.ts';
import type { AnswerTooLarge } from './response-body.ts';

/** Registered names of content codings (IANA). The header may hold any other text, which is not logged. */
const CODINGS: ReadonlySet<string> = new Set([
  'aes128gcm',
  'br',
  'compress',
  'dcb',
  'dcz',
  'deflate',
  'exi',
  'zstd',
]);

/** A success that is not what the API sends, such as an HTML page of a proxy. Another try does not help. */
export function unexpectedAnswer(subject: Subject, headers: Headers, cause: unknown): Failure {
  const type = kindOf(headers.get('content-type') ?? '');
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `A request${about} was answered with something other than the Web API's JSON (${type}).`,
    cause,
    details: { contentType: type, ...requestDetails(subject, headers) },
  });
}

/** A known name of the type; the header itself may hold any text. */
function kindOf(contentType: string): string {
  const known = /^(?:text\/(?:html|plain|xml)|application\/(?:json|xml))(?![\w/+.-])/i.exec(contentType);
  return known?.[0].toLowerCase() ?? 'no content type that is known';
}

/**
 * A success that was cut or garbled in each attempt. The server or a proxy gave up in the middle of the
 * answer: an OData body ends malformed when the server fails after it has sent the status.
 */
export function notWhole(subject: Subject, headers: Headers, attempts: number, cause: unknown): Failure {
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'retry',
    message: `A request${about} was answered ${attempts} times with something that is not whole.`,
    cause,
    details: requestDetails(subject, headers),
  });
}

/** A body in a content coding that was not asked for. */
export function unknownCoding(subject: Subject, { coding }: UnknownCoding): Failure {
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `A request${about} was answered in a content coding that mirrorverse does not know; gzip was asked for.`,
    remedy:
      'Find the proxy on the way to the environment that recodes answers (the header Content-Encoding).',
    details: {
      coding: CODINGS.has(coding) ? coding : 'unknown',
      ...(subject.table === undefined ? {} : { table: subject.table }),
    },
  });
}

/** For an answer that is not a page. A page has a limit of its own, and its reader asks for fewer rows. */
export function answerTooLarge(subject: Subject, cause: AnswerTooLarge): Failure {
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'answer-too-large',
    message: `The answer to a request${about} is larger than ${cause.allowed} bytes; the rest was not read.`,
    cause,
    details: subject.table === undefined ? {} : { table: subject.table },
  });
}

function requestDetails({ table }: Subject, headers: Headers): Record<string, unknown> {
  return { requestId: requestIdOf(headers), ...(table === undefined ? {} : { table }) };
}

/** @param certain whether the time-out was caused by the size of the request. */
export function timedOut(what: string, subject: Subject, certain: boolean): Failure {
  const about = subject.table === undefined ? '' : ` of table ${subject.table}`;
  return new Failure({
    code: 'page-timed-out',
    message: `A page${about} timed out (${what}).`,
    details: { certain, ...(subject.table === undefined ? {} : { table: subject.table }) },
  });
}

/** @param why what the token itself tells, where it tells something. */
export function unauthorized(error: ApiError, why: TokenTrouble | undefined): Failure {
  return new Failure({
    code: 'sign-in-refused',
    message: why?.message ?? `The environment does not accept the access token (${describe(error)}).`,
    remedy: why?.remedy,
    details: { ...error },
  });
}

export function describe(error: ApiError): string {
  const said = describeApiError(error);
  return isSuccess(error.status) ? `a success that tells of a failure (${said})` : said;
}
