import { Failure, type FailureKind } from '../../model/failure.ts';
import { describeApiError, type ApiError } from './api-error.ts';

/** What a request was about, for a message that names it. */
export interface Subject {
  /** Logical name of the table, where the request is about one. */
  readonly table?: string;
  /** The kind of the link that the request followed, if it followed one. */
  readonly link?: 'next' | 'delta';
  /** The path that a person asked for, without its query. */
  readonly asked?: string;
}

type Meaning = FailureKind & {
  readonly message: (about: string) => string;
  /** Without it, the remedy of the list. */
  readonly remedy?: (subject: Subject) => string | undefined;
};

/** What turns change tracking on. */
export const trackingRemedy = (table: string): string =>
  `Turn it on with \`mirrorverse track ${table}\`, or with "Track changes" in the table's advanced options in Power Apps; or take ${table} out of tables.`;

const EXPIRED: Meaning = {
  code: 'link-expired',
  message: (about) => `The link of ${about} has expired.`,
};
// A site under maintenance answers like this to any address: nothing follows for a link, a row or a table.
const FOREIGN: Meaning = {
  code: 'unexpected-answer',
  reaction: 'retry',
  message: (about) => `A request about ${about} was answered by something other than the Web API.`,
  remedy: () =>
    'Check dataverse.url (DATAVERSE_URL), and whether a proxy or a maintenance page answers in its place.',
};
const TRACKING_OFF: Meaning = {
  code: 'change-tracking-off',
  message: (about) => `Change tracking is off for ${about}.`,
  remedy: ({ table = '<table>' }) => trackingRemedy(table),
};
const SIDES_OFF: Meaning = {
  code: 'change-tracking-off',
  message: (about) => `Change tracking is off for a table that ${about} joins.`,
  remedy: () =>
    'Turn it on for both tables of the relationship with `mirrorverse track <table> <table>`, or take this one out of tables.',
};
const PRIVILEGE: Meaning = {
  code: 'privilege-missing',
  message: (about) => `The signed-in identity may not read ${about}.`,
  // Auditing has privileges of its own ("Retrieve the history of audited data changes").
  remedy: ({ table }) =>
    table === 'audit'
      ? 'Give the security role of the application user the privilege prvReadAuditSummary ("View Audit Summary").'
      : undefined,
};
const NOT_A_MEMBER: Meaning = {
  code: 'not-a-member',
  message: () => 'The signed-in identity is not a user of this environment.',
};
const ADDRESS_BLOCKED: Meaning = {
  code: 'address-blocked',
  message: () => 'The environment refuses requests from this address.',
};
const NOT_FOUND: Meaning = {
  code: 'table-not-found',
  message: (about) => `The environment does not know ${about}.`,
};

// Codes from the published list of Web service error codes.
const BY_CODE: ReadonlyMap<string, Meaning> = new Map([
  ['0x80044352', EXPIRED],
  ['0x80072491', TRACKING_OFF],
  ['0x80072492', SIDES_OFF],
  ['0x80040220', PRIVILEGE],
  ['0x80048306', PRIVILEGE],
  ['0x80072560', NOT_A_MEMBER],
  ['0x80040225', NOT_A_MEMBER],
  ['0x80095ffe', ADDRESS_BLOCKED],
]);

/** Whether a code means a permanent failure, under any status. */
export function isPermanent(code: string): boolean {
  return BY_CODE.has(code);
}

// The paging cookie of a stored next link may be refused after an upgrade of the environment.
const STALE_NEXT_LINK = new Set(['0x80041129', '0x8004112a', '0x8004430a']);

/** The failure for an answer that another try does not change. The HTTP status of several codes is undocumented. */
export function apiFailure(error: ApiError, subject: Subject): Failure {
  const about =
    subject.table === undefined ? (subject.asked ?? 'what was asked for') : `table ${subject.table}`;
  const meaning = meaningOf(error, subject);
  const details = {
    status: error.status,
    errorCode: error.code,
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    ...(subject.table === undefined ? {} : { table: subject.table }),
    ...(subject.link === undefined ? {} : { link: subject.link }),
  };
  if (meaning === undefined) {
    const isNothing = error.status === 404 && subject.asked !== undefined;
    const support =
      error.requestId === undefined ? '' : ` The request id for a support case is ${error.requestId}.`;
    return new Failure({
      code: 'request-refused',
      message: isNothing
        ? `The environment has nothing at ${about} (${describeApiError(error)})`
        : `Dataverse refused a request about ${about} with ${describeApiError(error)}`,
      remedy: `${isNothing ? NOTHING_THERE : LOOK_UP}${support}`,
      details,
    });
  }
  return new Failure({
    ...meaning,
    message: `${meaning.message(about)} (${describeApiError(error)})`,
    remedy: meaning.remedy?.(subject),
    details,
  });
}

const NOTHING_THERE =
  'Check the path, and the id of a row in it. The Web API has entity sets such as accounts, not tables such as account: `mirrorverse tables` lists both.';
const LOOK_UP = 'Look the code up in the “Web service error codes” of Dataverse.';

function meaningOf(error: ApiError, subject: Subject): Meaning | undefined {
  const known = BY_CODE.get(error.code);
  if (known !== undefined) return known;
  if (error.status === 404 && error.isForeign === true) return FOREIGN;
  // OData says 410 for a link that has expired; nothing from the vendor confirms or denies it.
  if (subject.link !== undefined && (error.status === 410 || error.status === 404)) return EXPIRED;
  if (subject.link === 'next' && STALE_NEXT_LINK.has(error.code)) return EXPIRED;
  if (error.status === 403) return PRIVILEGE;
  if (error.status === 404 && subject.table !== undefined) return NOT_FOUND;
  return undefined;
}

/** The failure after the last repetition. */
export function exhausted(what: string, attempts: number, subject: Subject, cause?: unknown): Failure {
  const about = subject.table === undefined ? '' : ` about table ${subject.table}`;
  return new Failure({
    code: 'source-unavailable',
    message: `A request${about} failed ${attempts} times, last with ${what}.`,
    cause,
    details: subject.table === undefined ? {} : { table: subject.table },
  });
}
