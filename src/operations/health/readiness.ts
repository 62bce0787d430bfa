import { readableTime } from '../../model/readable-figures.ts';
import { LEFT_ALONE, type ReportedFailure, reachOf } from '../../sync/watch/outage-log.ts';
import { LONG_THROTTLE } from '../../sync/watch/throttle-record.ts';
import { notice, type Failure, type FailureSummary } from '../../model/failure.ts';

/** Why the mirror is not being kept up to date, for a person and for a probe. */
export interface NotReady extends FailureSummary {
  /** Milliseconds since 1970. */
  readonly since: number;
}

type Stage = 'starting' | 'open' | 'stopping';

/** What the process knows about its own work. */
export interface Health {
  readonly stage: Stage;
  /** When the stage began. */
  readonly since: number;
  /** Trouble of the process as a whole, until the first success. */
  readonly trouble: NotReady | null;
  /** Tables whose rows PostgreSQL has no room for, until they themselves are stored. */
  readonly noRoom: ReadonlyMap<string, NotReady>;
  /** The last outcome of each table; null for a success, or if there is none yet. */
  readonly tables: ReadonlyMap<string, NotReady | null>;
  /** Tables that a person has paused; how they last did counts for nothing. */
  readonly stopped: ReadonlySet<string>;
  readonly throttle: { readonly since: number; readonly until: number } | null;
}

/** An event in the life of the daemon. */
export type Happening =
  | { readonly kind: 'opened' }
  | { readonly kind: 'opening-failed'; readonly failure: Reason }
  | { readonly kind: 'tables'; readonly names: readonly string[] }
  | { readonly kind: 'tables-paused'; readonly names: readonly string[] }
  | { readonly kind: 'table-failed'; readonly table: string; readonly failure: Reason }
  | { readonly kind: 'table-progressed'; readonly table: string }
  | { readonly kind: 'table-succeeded'; readonly table: string }
  | { readonly kind: 'throttled'; readonly milliseconds: number }
  | { readonly kind: 'stopping' };

/** The same with its moment, in milliseconds since 1970. */
export type HealthEvent = Happening & { readonly at: number };

type Reason = Pick<Failure, 'code' | 'message' | 'remedy'> & ReportedFailure;

/** The health of a process that has just started. */
export function starting(at: number): Health {
  return {
    stage: 'starting',
    since: at,
    trouble: null,
    noRoom: new Map(),
    tables: new Map(),
    stopped: new Set(),
    throttle: null,
  };
}

/** The health after an event. Nothing follows a stop. */
export function after(health: Health, event: HealthEvent): Health {
  if (health.stage === 'stopping') return health;
  switch (event.kind) {
    case 'stopping':
      return { ...health, stage: 'stopping', since: event.at };
    case 'opened':
      return { ...health, stage: 'open', since: event.at, trouble: null };
    case 'opening-failed':
      return { ...health, trouble: reasonOf(event.failure, event.at, health.trouble) };
    case 'tables':
      return {
        ...health,
        tables: new Map(event.names.map((name) => [name, health.tables.get(name) ?? null])),
        noRoom: new Map([...health.noRoom].filter(([name]) => event.names.includes(name))),
      };
    case 'tables-paused':
      return { ...health, stopped: new Set(event.names) };
    case 'table-failed':
      return afterFailure(health, event.table, event.failure, event.at);
    case 'table-progressed':
      if (health.trouble === null && !health.noRoom.has(event.table)) return health;
      return { ...health, trouble: null, noRoom: without(health.noRoom, event.table) };
    case 'table-succeeded':
      return afterSuccess(health, event.table);
    case 'throttled':
      return event.milliseconds < LONG_THROTTLE ? health : throttled(health, event.at, event.milliseconds);
  }
}

function afterFailure(health: Health, table: string, failure: Reason, at: number): Health {
  // Another process writes the table. This process stands by, ready.
  if (LEFT_ALONE.has(failure.code)) return health;
  const reason = reasonOf(failure, at, health.tables.get(table) ?? null);
  const tables = new Map(health.tables).set(table, reason);
  const noRoom = without(health.noRoom, table);
  switch (reachOf(failure)) {
    case 'table':
      return { ...health, tables, noRoom };
    case 'room':
      return { ...health, tables, noRoom: new Map(noRoom).set(table, reason) };
    case 'process':
      return { ...health, tables, noRoom, trouble: reasonOf(failure, at, health.trouble) };
  }
}

/** The map without a table; the same map if the table is not in it, which is the usual case. */
function without(tables: ReadonlyMap<string, NotReady>, table: string): ReadonlyMap<string, NotReady> {
  if (!tables.has(table)) return tables;
  return new Map([...tables].filter(([name]) => name !== table));
}

function afterSuccess(health: Health, table: string): Health {
  // This is nearly always so. With many idle tables, nothing must be copied here.
  if (health.trouble === null && health.tables.get(table) === null) return health;
  const noRoom = without(health.noRoom, table);
  return { ...health, trouble: null, noRoom, tables: new Map(health.tables).set(table, null) };
}

function throttled(health: Health, at: number, milliseconds: number): Health {
  const { throttle } = health;
  const since = throttle !== null && at <= throttle.until ? throttle.since : at;
  return { ...health, throttle: { since, until: Math.max(throttle?.until ?? 0, at + milliseconds) } };
}

/** The reason from a failure. If the trouble is the same as before, it keeps the time when it began. */
function reasonOf({ code, message, remedy }: Reason, at: number, before: NotReady | null): NotReady {
  return { code, message, remedy, since: before?.code === code ? before.since : at };
}

/**
 * Why the daemon is not ready, or null if it is ready. A ready daemon has opened database and environment,
 * neither is in trouble, and PostgreSQL has room for every table. One failing table of many does not make the
 * daemon unready, but it is unready if all tables fail.
 */
export function notReady(health: Health, now: number): NotReady | null {
  const { stage, since, trouble, throttle } = health;
  if (stage === 'stopping') {
    return { ...notice('stopping', 'The process is stopping.'), since };
  }
  if (trouble !== null) return trouble;
  if (stage === 'starting') {
    return { ...notice('starting', 'The process is opening the database and the environment.'), since };
  }
  const isAtWork = ([name]: readonly [string, unknown]): boolean => !health.stopped.has(name);
  const noRoom = [...health.noRoom].filter(isAtWork).map(([, reason]) => reason);
  const [unstored] = noRoom.toSorted((a, b) => a.since - b.since);
  if (unstored !== undefined) return unstored;
  if (throttle !== null && now < throttle.until) {
    return { ...throttledUntil(new Date(throttle.until)), since: throttle.since };
  }
  return reasonOfAll([...health.tables].filter(isAtWork).map(([, outcome]) => outcome));
}

/** The message while the environment asks for no requests. */
export function throttledUntil(until: Date): FailureSummary {
  return notice(
    'throttled',
    `The environment asked mirrorverse to send no requests until ${readableTime(until)}.`,
  );
}

/** Why every table fails, or null. The table that began to fail last says since when all of them do. */
function reasonOfAll(outcomes: readonly (NotReady | null)[]): NotReady | null {
  let last: NotReady | null = null;
  for (const outcome of outcomes) {
    if (outcome === null) return null;
    if (last === null || outcome.since > last.since) last = outcome;
  }
  return last;
}

/** What `/readyz` says. */
export function readinessDocument(reason: NotReady | null): object {
  if (reason === null) return { ready: true };
  return { ready: false, ...reason, since: new Date(reason.since).toISOString() };
}
