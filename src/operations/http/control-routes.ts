import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Failure, summaryOf } from '../../model/failure.ts';
import { refusal } from './refusals.ts';
import { jsonReply, problemReply, type Reply, type Route, type RouteRequest } from './route.ts';

const VERBS = ['pause', 'resume', 'resync', 'verify'] as const;

/** What a request asks of a table. */
export interface HttpAct {
  readonly command: (typeof VERBS)[number];
  readonly table: string;
  /** When a pause ends; absent, when the delta link needs it. */
  readonly until?: Date | undefined;
  readonly reason?: string | undefined;
}

export interface ControlOptions {
  /** The token that a client must have, as it is at each request; undefined if nobody may act over HTTP. */
  readonly token: () => string | undefined;
  /** Does it. @returns how the table stands then. @throws Failure `table-not-known`, `pause-without-effect` */
  readonly act: (act: HttpAct) => Promise<object>;
}

/** Failures of an act that are the client's to mend, each with its status. Others are answered with 503. */
const STATUS_OF: Readonly<Record<string, number>> = { 'table-not-known': 404, 'pause-without-effect': 409 };

/** `POST /api/v1/tables/TABLE/pause`, `resume`, `resync` and `verify`, for clients that have the token. */
export function controlRoutes(options: ControlOptions): readonly Route[] {
  return VERBS.map((command) => ({
    method: 'POST',
    path: `/api/v1/tables/:table/${command}`,
    answer: async (request) => control(options, command, request),
  }));
}

async function control(
  { token, act }: ControlOptions,
  command: HttpAct['command'],
  request: RouteRequest,
): Promise<Reply> {
  const { headers, parts } = request;
  const expected = token();
  if (expected === undefined) return refusal('control-off');
  if (isForeign(headers['sec-fetch-site'])) return refusal('foreign-site');
  if (!isBearer(headers.authorization, expected)) {
    return refusal('token-refused', { 'www-authenticate': 'Bearer' });
  }
  const text = await request.body();
  if (text !== '' && !/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    return refusal('json-needed');
  }
  const wish = wishOf(command, text);
  if (wish === undefined) return refusal('request-odd');
  try {
    return jsonReply(200, await act({ command, table: parts['table'] ?? '', ...wish }));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return problemReply(STATUS_OF[error.code] ?? 503, summaryOf(error));
  }
}

/** A browser says whether a request comes from another site. A client that is no browser says nothing. */
function isForeign(site: string | string[] | undefined): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares hashes, which have the same length, so that the time says nothing about the token. */
function isBearer(authorization: string | undefined, token: string): boolean {
  const given = /^bearer +(\S.*)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Milliseconds. No pause needs more, and a date of PostgreSQL can hold it. */
const LONGEST_PAUSE = 3_660 * UNITS.d;

const duration = z
  .string()
  .regex(/^\d+(?:\.\d+)?[smhd]$/)
  .transform((text) => Number(text.slice(0, -1)) * UNITS[text.at(-1) as keyof typeof UNITS])
  .pipe(z.number().max(LONGEST_PAUSE));

const NOTHING = z.strictObject({});
const PAUSE = z
  .strictObject({
    until: z.iso.datetime({ offset: true }).optional(),
    for: duration.optional(),
    reason: z.string().max(500).optional(),
  })
  .refine((wish) => wish.until === undefined || wish.for === undefined);

/** What the body wishes; undefined if it makes no sense. */
function wishOf(command: HttpAct['command'], text: string): Pick<HttpAct, 'until' | 'reason'> | undefined {
  const document = parsed(text);
  if (command !== 'pause') return NOTHING.safeParse(document).success ? {} : undefined;
  const { data } = PAUSE.safeParse(document);
  if (data === undefined) return undefined;
  const { until, for: time, reason } = data;
  if (time !== undefined) return { until: new Date(Date.now() + time), reason };
  return { until: until === undefined ? undefined : new Date(until), reason };
}

function parsed(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
