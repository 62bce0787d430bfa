import { LARGEST_BODY } from './request-body.ts';
import { problemReply, type Reply } from './route.ts';

/**
 * Requests that the HTTP port refuses: the client has to change something, and mirrorverse goes on as it was. So
 * they are no failures. docs/json.md lists the codes.
 */
const REFUSALS = {
  'body-too-large': [413, `The body has more than ${LARGEST_BODY} bytes.`, 'Send a smaller body.'],
  'control-off': [
    404,
    'Tables cannot be paused, resumed, resynced or verified over HTTP, because no token is set.',
    'Set MIRRORVERSE_API_TOKEN or MIRRORVERSE_API_TOKEN_FILE, or use the command line.',
  ],
  'foreign-host': [
    421,
    'The port answers for this machine alone, and the header host names another machine.',
    'Ask for localhost or 127.0.0.1. A proxy on this machine must send such a header host. To answer for other machines, set health.host (MIRRORVERSE_HEALTH_HOST).',
  ],
  'foreign-site': [
    403,
    'The request comes from the page of another site.',
    'Act from the status page of this daemon, or with a client that is no browser.',
  ],
  'json-needed': [
    415,
    'The body is not of the type application/json.',
    'Send JSON, with the header content-type: application/json.',
  ],
  'no-such-path': [404, 'Nothing is at this path.', 'docs/operations.md lists the paths of the HTTP port.'],
  'request-odd': [
    400,
    'The body is not what this path takes.',
    'Send an object. For a pause it may have `reason`, and `for` (a duration like 90m, 4h or 2d) or `until` (a time like 2026-11-28T14:20:00Z). Otherwise it is empty.',
  ],
  'token-refused': [
    401,
    'The token is missing or wrong.',
    'Send the header authorization: Bearer, followed by the token of MIRRORVERSE_API_TOKEN.',
  ],
  'too-many-viewers': [
    503,
    'Twenty clients follow the events already.',
    'Close a status page, or read /status instead.',
  ],
  'wrong-method': [405, 'The path does not answer this method.', 'Use a method of the header allow.'],
} as const satisfies Readonly<Record<string, readonly [status: number, message: string, remedy: string]>>;

export type RefusalCode = keyof typeof REFUSALS;

export function refusal(code: RefusalCode, headers: Reply['headers'] = {}): Reply {
  const [status, message, remedy] = REFUSALS[code];
  return problemReply(status, { code, message, remedy }, headers);
}

/** The rest of the body is not read, so the connection cannot take another request. */
export const bodyTooLarge = (): Reply => refusal('body-too-large', { connection: 'close' });

/** @param methods those of the path. */
export function wrongMethod(methods: readonly string[]): Reply {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return refusal('wrong-method', { allow: allow.join(', ') });
}
