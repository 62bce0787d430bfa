import { reachOfPostgresFailure } from '../../mirror/connection/sqlstate.ts';
import type { Logger } from 'pino';
import type { FailureCode } from '../../model/failure-codes.ts';
import type { Failure } from '../../model/failure.ts';
import { occurred, type Trouble } from '../../log/log-throttle.ts';

/**
 * How far a failure reaches.
 *
 * - `process`: all tables meet it if one does, and it is over for all if it is over for one.
 * - `room`: PostgreSQL answers but has no room for the rows of the table. Another table says nothing about that,
 *   because it may be in another tablespace or have nothing to write.
 * - `table`: only this table meets it.
 */
export type Reach = 'process' | 'room' | 'table';

/** The parts of a failure that decide its reach; `details` has the SQLSTATE. */
export type ReportedFailure = Pick<Failure, 'code'> & Partial<Pick<Failure, 'details'>>;

/** Failures of the database and the sign-in, and of the network to them. */
const OF_THE_PROCESS: ReadonlySet<FailureCode> = new Set([
  'database-unreachable',
  'database-unavailable',
  'database-sign-in',
  'database-missing',
  'database-tls',
  'sign-in-failed',
  'sign-in-refused',
  'sign-in-unreachable',
  'not-a-member',
  'address-blocked',
  'certificate-refused',
  'proxy-refused',
  'proxy-unreachable',
]);

export function reachOf({ code, details }: ReportedFailure): Reach {
  return OF_THE_PROCESS.has(code) ? reachOfPostgresFailure(details) : 'table';
}

/** The level of a table's log line about its failure. */
export type Loudness = 'debug' | 'warn' | 'error';

/** Is told how the runs of all tables go. */
export interface RunWatch {
  /**
   * A run failed, or it waits for PostgreSQL to work again.
   *
   * @returns the level of the log line about it.
   */
  failed(table: string, failure: Failure): Loudness;
  /** A page of the table was read and stored. */
  progressed(table: string): void;
  /** The table is up to date. */
  succeeded(table: string): void;
}

/**
 * Failures that say why this process leaves a table alone: another process has the table, or a person has paused it.
 * That is no error.
 */
export const LEFT_ALONE: ReadonlySet<FailureCode> = new Set(['lease-held', 'lease-lost', 'table-paused']);

const MINUTE = 60_000;
/** Milliseconds after which an outage is an error, even if it may pass by itself. */
const LONG = 5 * MINUTE;
/**
 * Milliseconds without a failure after which the next one is another outage, even where a table of the first one has
 * not succeeded since: that table may fail for a reason of its own by now. No table rests or pauses for so long.
 */
const FORGOTTEN = 120 * MINUTE;

/** One reason why tables fail, from the first failure until the last of its tables has succeeded. */
export interface Outage extends Trouble {
  readonly code: FailureCode;
  readonly reach: Reach;
  /** Any table may meet it; otherwise it is one table's own. */
  readonly shared: boolean;
  /** Tables that met it, and have not succeeded since. */
  readonly tables: ReadonlySet<string>;
  /** All tables that met it. */
  readonly met: ReadonlySet<string>;
}

/** What the log says of an outage now. */
export interface OutageLine {
  readonly kind: 'reminder' | 'over';
  readonly level: 'info' | 'warn' | 'error';
  readonly code: FailureCode;
  readonly milliseconds: number;
  readonly tables: number;
}

/** The key is code and reach of a shared outage, table and code of a table's own. */
export type Outages = ReadonlyMap<string, Outage>;

export interface OutageNews {
  readonly outages: Outages;
  /** The level of the line about this failure. */
  readonly loudness: Loudness;
  readonly lines: readonly OutageLine[];
}

type Met = ReportedFailure & Pick<Failure, 'reaction'>;

/** Takes note of a table's failure at the moment `now`. */
export function failed(outages: Outages, table: string, failure: Met, now: number): OutageNews {
  const { code } = failure;
  const reach = reachOf(failure);
  const shared = reach !== 'table' || (failure.reaction === 'retry' && !LEFT_ALONE.has(code));
  const key = shared ? `${code} ${reach}` : `${table} ${code}`;
  const next = new Map([...outages].filter(([other, outage]) => !isOf(table, outage) || other === key));
  const before = next.get(key);
  const { trouble, isFirst, isTold, age } = occurred(before, now, FORGOTTEN);
  const of = (known: 'tables' | 'met'): ReadonlySet<string> =>
    withMember(isFirst ? undefined : before?.[known], table);
  const outage = { ...trouble, code, reach, shared, tables: of('tables'), met: of('met') };
  next.set(key, outage);
  // The line about the failure tells a table's own trouble. After the first failure, one line for all tables tells a shared one.
  if (isFirst || !shared)
    return { outages: next, loudness: isTold ? loudnessOf(failure) : 'debug', lines: [] };
  const level = levelAfter(age, failure);
  const reminder = { kind: 'reminder', level, code, milliseconds: age, tables: outage.met.size } as const;
  return { outages: next, loudness: 'debug', lines: isTold ? [reminder] : [] };
}

/**
 * Takes note of a table's success. It ends what was the table's own, and an outage of database or sign-in
 * for all tables. Any other shared outage ends with the success of the last table that met it.
 */
export function succeeded(outages: Outages, table: string, now: number): Omit<OutageNews, 'loudness'> {
  return withoutTables(outages, now, ({ reach, tables }) =>
    reach === 'process' ? NONE : withoutMember(tables, table),
  );
}

/**
 * Takes note of a page that was read and stored: database and sign-in are in no trouble any more, and there
 * is room for what this table writes.
 */
export function progressed(outages: Outages, table: string, now: number): Omit<OutageNews, 'loudness'> {
  return withoutTables(outages, now, ({ reach, tables }) => {
    if (reach === 'table') return tables;
    return reach === 'room' ? withoutMember(tables, table) : NONE;
  });
}

/** Takes note of which tables are at work: a table that has left meets nothing any more. */
export function atWork(
  outages: Outages,
  names: readonly string[],
  now: number,
): Omit<OutageNews, 'loudness'> {
  const present = new Set(names);
  return withoutTables(
    outages,
    now,
    ({ tables }) => new Set([...tables].filter((each) => present.has(each))),
  );
}

/** Keeps of each outage the tables that `left` returns. A shared outage without tables is over. */
function withoutTables(
  outages: Outages,
  now: number,
  left: (outage: Outage) => ReadonlySet<string>,
): Omit<OutageNews, 'loudness'> {
  // This is the usual case, and with many tables the most frequent one.
  if (outages.size === 0) return { outages, lines: [] };
  const next = new Map<string, Outage>();
  const lines: OutageLine[] = [];
  for (const [key, outage] of outages) {
    const { code, since, shared, met } = outage;
    const tables = left(outage);
    if (tables.size > 0) next.set(key, { ...outage, tables });
    else if (shared)
      lines.push({ kind: 'over', level: 'info', code, milliseconds: now - since, tables: met.size });
  }
  return { outages: next, lines };
}

const NONE: ReadonlySet<string> = new Set();

/** The same set where the table is in it, which is the usual case. */
function withMember(tables: ReadonlySet<string> | undefined, table: string): ReadonlySet<string> {
  return tables?.has(table) === true ? tables : new Set([...(tables ?? []), table]);
}

function withoutMember(tables: ReadonlySet<string>, table: string): ReadonlySet<string> {
  return tables.has(table) ? new Set([...tables].filter((each) => each !== table)) : tables;
}

/** Whether an outage is this table's own. */
function isOf(table: string, { shared, tables }: Outage): boolean {
  return !shared && tables.has(table);
}

/** The level of a line about an outage that has lasted for so many milliseconds. */
export function levelAfter(age: number, { reaction }: Pick<Failure, 'reaction'>): 'warn' | 'error' {
  return age >= LONG || reaction !== 'retry' ? 'error' : 'warn';
}

/** The level of the line about a failure that is told. A trouble that passes by itself is no error yet. */
function loudnessOf({ code, reaction }: Pick<Failure, 'code' | 'reaction'>): Loudness {
  return reaction === 'retry' || LEFT_ALONE.has(code) ? 'warn' : 'error';
}

export interface OutageLog extends RunWatch {
  /** Takes note of which tables are at work, whenever some have left. */
  readonly tables: (names: readonly string[]) => void;
}

/** Logs a long outage of many tables in a few lines. */
export function createOutageLog(logger: Logger, now: () => number = () => performance.now()): OutageLog {
  let outages: Outages = new Map();
  const keep = (told: Omit<OutageNews, 'loudness'>): void => {
    ({ outages } = told);
    for (const line of told.lines) {
      const seconds = Math.round(line.milliseconds / 1000);
      logger[line.level]({ code: line.code, seconds, tables: line.tables }, sentenceOf(line, seconds));
    }
  };
  return {
    failed(table, failure) {
      const told = failed(outages, table, failure, now());
      keep(told);
      return told.loudness;
    },
    progressed: (table) => keep(progressed(outages, table, now())),
    succeeded: (table) => keep(succeeded(outages, table, now())),
    tables: (names) => keep(atWork(outages, names, now())),
  };
}

function sentenceOf({ kind, code, tables }: OutageLine, seconds: number): string {
  const many = `${tables} ${tables === 1 ? 'table' : 'tables'}`;
  if (kind === 'over') return `Over after ${seconds} s: ${code}, which ${many} met.`;
  return `For ${seconds} s now: ${code}, which ${many} met. It is tried again by itself.`;
}
