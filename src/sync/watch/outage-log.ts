import type { Logger } from 'pino';
import type { FailureCode } from '../../model/failure-codes.ts';
import type { Failure } from '../../model/failure.ts';
import { nextReminder } from '../../timing/reminder.ts';
import type { Loudness, RunWatch } from './run-watch.ts';
import { reachOf, type Reach, type Told as ToldFailure } from './trouble-reach.ts';

/** Failures that say that another process has the table, which is no error. */
export const OF_LEASES: ReadonlySet<FailureCode> = new Set(['lease-held', 'lease-lost']);

const MINUTE = 60_000;
/** Milliseconds after which an outage is an error, however it may pass by itself. */
const LONG = 5 * MINUTE;
/**
 * Milliseconds after which an outage that nobody met meanwhile is another one, whoever has not succeeded
 * since: a table may have come to fail for reasons of its own. Longer than any table rests or pauses.
 */
const FORGOTTEN = 120 * MINUTE;

/** One reason why tables fail, from its first failure until its last table is well again. */
export interface Outage {
  readonly code: string;
  readonly reach: Reach;
  /** Met by any table rather than one table's own. */
  readonly shared: boolean;
  /** Milliseconds, by a clock that nobody sets back. */
  readonly since: number;
  /** When a table last met it. */
  readonly last: number;
  /** Those that have not succeeded since. */
  readonly tables: ReadonlySet<string>;
  /** All that met it. */
  readonly met: ReadonlySet<string>;
  readonly nextReminder: number;
}

/** What to say of an outage now. */
export interface OutageLine {
  readonly kind: 'reminder' | 'over';
  readonly level: 'info' | 'warn' | 'error';
  readonly code: string;
  readonly milliseconds: number;
  readonly tables: number;
}

/** By what is shared: the code; or by table and code where the failure is the table's own. */
export type Outages = ReadonlyMap<string, Outage>;

export interface Told {
  readonly outages: Outages;
  /** Of the line about this very failure. */
  readonly loudness: Loudness;
  readonly lines: readonly OutageLine[];
}

type Met = ToldFailure & Pick<Failure, 'reaction'>;

/** Takes note of a table's failure at the moment `now`. */
export function failed(outages: Outages, table: string, failure: Met, now: number): Told {
  const { code } = failure;
  const reach = reachOf(failure);
  const shared = isShared(failure, reach);
  const key = shared ? `${code} ${reach}` : `${table} ${code}`;
  const next = new Map([...outages].filter(([other, outage]) => !isOf(table, outage) || other === key));
  const before = next.get(key);
  if (before === undefined || now - before.last > FORGOTTEN) {
    const tables = new Set([table]);
    const times = { since: now, last: now, nextReminder: nextReminder(now, now) };
    next.set(key, { code, reach, shared, tables, met: tables, ...times });
    return { outages: next, loudness: firstLoudness(failure), lines: [] };
  }
  const tables = withMember(before.tables, table);
  const met = withMember(before.met, table);
  const age = now - before.since;
  const due = now >= before.nextReminder;
  next.set(key, {
    ...before,
    last: now,
    tables,
    met,
    nextReminder: due ? nextReminder(before.since, now) : before.nextReminder,
  });
  if (!shared) return { outages: next, loudness: due ? firstLoudness(failure) : 'debug', lines: [] };
  const level = levelAfter(age, failure);
  const reminder = { kind: 'reminder', level, code, milliseconds: age, tables: met.size } as const;
  return { outages: next, loudness: 'debug', lines: due ? [reminder] : [] };
}

/**
 * Takes note of a table's success. It ends what was the table's own; an outage of database or sign-in
 * for all, and another one, such as one of room for what is written, when it was the last table of it.
 */
export function succeeded(outages: Outages, table: string, now: number): Omit<Told, 'loudness'> {
  // The usual case, and with many tables the most frequent.
  if (outages.size === 0) return { outages, lines: [] };
  const next = new Map<string, Outage>();
  const lines: OutageLine[] = [];
  for (const [key, outage] of outages) {
    if (isOf(table, outage)) continue;
    const tables = new Set([...outage.tables].filter((other) => other !== table));
    const isOver = outage.reach === 'process' || tables.size === 0;
    if (isOver) lines.push(over(outage, now));
    else next.set(key, { ...outage, tables });
  }
  return { outages: next, lines };
}

/**
 * Takes note of a table's page that was read and stored: database and sign-in are in no trouble any
 * more, and there is room for what this table writes.
 */
export function progressed(outages: Outages, table: string, now: number): Omit<Told, 'loudness'> {
  if (outages.size === 0) return { outages, lines: [] };
  const next = new Map<string, Outage>();
  const lines: OutageLine[] = [];
  for (const [key, outage] of outages) {
    const without = outage.reach === 'room' ? [...outage.tables].filter((other) => other !== table) : [];
    if (outage.reach === 'table') next.set(key, outage);
    else if (without.length > 0) next.set(key, { ...outage, tables: new Set(without) });
    else lines.push(over(outage, now));
  }
  return { outages: next, lines };
}

/** Takes note of which tables are at work: whoever has left meets nothing any more. */
export function atWork(outages: Outages, names: readonly string[], now: number): Omit<Told, 'loudness'> {
  if (outages.size === 0) return { outages, lines: [] };
  const present = new Set(names);
  const next = new Map<string, Outage>();
  const lines: OutageLine[] = [];
  for (const [key, outage] of outages) {
    const tables = new Set([...outage.tables].filter((table) => present.has(table)));
    if (tables.size > 0) next.set(key, { ...outage, tables });
    // Of a table's own trouble there is nothing to say once the table is gone.
    else if (outage.shared) lines.push(over(outage, now));
  }
  return { outages: next, lines };
}

function over({ code, since, met }: Outage, now: number): OutageLine {
  return { kind: 'over', level: 'info', code, milliseconds: now - since, tables: met.size };
}

/** The set with the table in it: the same one where it was, which is the usual case. */
function withMember(tables: ReadonlySet<string>, table: string): ReadonlySet<string> {
  return tables.has(table) ? tables : new Set([...tables, table]);
}

function isShared({ code, reaction }: Met, reach: Reach): boolean {
  return reach !== 'table' || (reaction === 'retry' && !OF_LEASES.has(code));
}

/** Whether an outage is one table's own, and this table's. */
function isOf(table: string, { shared, tables }: Outage): boolean {
  return !shared && tables.has(table);
}

/** How loud to be of an outage of so many milliseconds. */
export function levelAfter(age: number, { reaction }: Pick<Failure, 'reaction'>): 'warn' | 'error' {
  return age >= LONG || reaction !== 'retry' ? 'error' : 'warn';
}

/** What passes by itself is no error yet. */
function firstLoudness({ code, reaction }: Pick<Failure, 'code' | 'reaction'>): Loudness {
  return reaction === 'retry' || OF_LEASES.has(code) ? 'warn' : 'error';
}

export interface OutageLog extends RunWatch {
  /** Tells it which tables are at work, whenever some have left. */
  readonly tables: (names: readonly string[]) => void;
}

/** Keeps a long outage of many tables to a few lines. */
export function createOutageLog(logger: Logger, now: () => number = () => performance.now()): OutageLog {
  let outages: Outages = new Map();
  const keep = (told: Omit<Told, 'loudness'>): void => {
    ({ outages } = told);
    for (const { level, ...line } of told.lines) logger[level](fieldsOf(line), sentenceOf(line));
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

type Said = Omit<OutageLine, 'level'>;

function fieldsOf({ code, milliseconds, tables }: Said): Record<string, unknown> {
  return { code, seconds: Math.round(milliseconds / 1000), tables };
}

function sentenceOf({ kind, code, milliseconds, tables }: Said): string {
  const seconds = Math.round(milliseconds / 1000);
  const many = `${tables} ${tables === 1 ? 'table' : 'tables'}`;
  if (kind === 'over') return `Over after ${seconds} s: ${code}, which ${many} met.`;
  return `For ${seconds} s now: ${code}, which ${many} met. It is tried again by itself.`;
}
