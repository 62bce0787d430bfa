/** A part of the limits that one of several processes may spend. */
export interface BudgetShare {
  /** Requests in five minutes: those that are spent, and some in advance. */
  readonly requests: number;
  /** What of the requests in five minutes is this process's part in the long run. */
  readonly part: number;
  /** Requests in flight. */
  readonly concurrency: number;
  /** Milliseconds of execution time in five minutes. */
  readonly executionTime: number;
  /** By the budget's clock: nothing starts after it. Somebody else may have the share then. */
  readonly until: number;
  /** Milliseconds from now for which another process was told to wait. */
  readonly throttledFor: number;
  /** Called once, when half of the requests are spent that were left of the share. */
  readonly onScarce: () => void;
}

/** What a process has spent in the five minutes until now. */
export interface BudgetSpent {
  /** Requests by age, in steps of the window: the first number is for the youngest. */
  readonly requests: readonly number[];
  /** Milliseconds of execution time by age, in the same steps. */
  readonly executionTime: readonly number[];
  readonly inFlight: number;
  /** Milliseconds from now until which this process was told to wait. */
  readonly throttledFor: number;
  /** Requests wait for a limit now, or had to wait since the last call. */
  readonly isPressed: boolean;
}

/** Into so many steps of age the five minutes are divided. */
export const AGE_STEPS = 30;

/** A process without work keeps so much of a busy one's part, so that its first requests need not wait. */
const FLOOR = 0.05;
/** A process asks for so much of all requests in advance, and for so many at least. */
const AHEAD = 0.05;
const FEWEST = 50;

/** What Dataverse allows an identity, for all of its processes together. */
export interface SharedLimits {
  readonly requests: number;
  readonly concurrency: number;
  /** Milliseconds. */
  readonly executionTime: number;
}

/** One of the processes that share the limits. */
export interface SharingProcess {
  readonly process: string;
  /** How much it needs, from 0 to 1. */
  readonly weight: number;
}

/** How much a process needs of the limits: 1 if requests wait for them, and less the less it spends. */
export function weightOf({ isPressed, requests, inFlight }: BudgetSpent, limits: SharedLimits): number {
  if (isPressed) return 1;
  const [youngest = 0, younger = 0] = requests;
  const rate = ((youngest + younger) * AGE_STEPS) / 2 / limits.requests;
  const need = 2 * Math.max(rate, inFlight / limits.concurrency);
  return Math.min(1, Math.max(FLOOR, need));
}

/**
 * What a process may need until it renews its share. It asks for no more, because what a process that was killed may
 * have spent is lost to all for the whole window.
 *
 * @param validFor milliseconds for which the share will be valid.
 */
export function nextOf(spent: BudgetSpent, limits: SharedLimits, validFor: number): SharedLimits {
  return {
    requests: sum(spent.requests) + Math.max(FEWEST, Math.ceil(AHEAD * limits.requests)),
    concurrency: limits.concurrency,
    executionTime: sum(spent.executionTime) + 2 * limits.concurrency * validFor,
  };
}

/**
 * The part of the limits that is a process's own, by what each of them needs. The parts of all processes add up to the
 * limits at most. A process that needs little asks for half of its part, so that one that begins finds something.
 *
 * @param turn a number that grows, for instance the minute. If there are more processes than requests in flight, those
 *   without one take turns by it.
 */
export function fairShare(
  limits: SharedLimits,
  processes: readonly SharingProcess[],
  self: string,
  turn: number,
): SharedLimits {
  const all = processes.toSorted((a, b) => (a.process < b.process ? -1 : 1));
  const at = all.findIndex(({ process }) => process === self);
  const total = sum(all.map(({ weight: need }) => need));
  const weight = all[at]?.weight ?? 0;
  const before = sum(all.slice(0, Math.max(0, at)).map(({ weight: need }) => need));
  if (at < 0 || total === 0) return { requests: 0, concurrency: 0, executionTime: 0 };
  // Both edges are rounded in the same way for neighbours, so nothing is given twice and nothing is lost.
  const partOf = (whole: number): number =>
    Math.floor((whole * (before + weight)) / total) - Math.floor((whole * before) / total);
  const spare = limits.concurrency - all.length;
  const hasTurn = (at + turn) % all.length < limits.concurrency;
  const concurrency = spare >= 0 ? 1 + partOf(spare) : Number(hasTurn);
  const part = { requests: partOf(limits.requests), executionTime: partOf(limits.executionTime) };
  if (weight === 1) return { ...part, concurrency };
  return {
    requests: Math.ceil(part.requests / 2),
    concurrency: Math.ceil(concurrency / 2),
    executionTime: Math.ceil(part.executionTime / 2),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
