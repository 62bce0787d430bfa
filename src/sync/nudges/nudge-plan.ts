import type { ToldOutcome } from '../schedule/running-tables.ts';

/** All in milliseconds. */
export interface NudgeTimes {
  /** From the first nudge to the poll: changes that belong together have come by then. */
  readonly firstPoll: number;
  /**
   * From the begin of a poll that brought nothing to the next ones. Dataverse sends a nudge after the commit, and does not
   * promise that change tracking has the change by then.
   */
  readonly checks: readonly number[];
  /** A nudge that came so shortly before a poll may tell of a change that the poll could not see yet. */
  readonly tooYoung: number;
  /** From a poll that brought something to the check for what it could not see yet. */
  readonly lateCheck: number;
  /** Between two polls that nudges cause for one table, on average, over all processes. */
  readonly gap: number;
}

export const NUDGE_TIMES: NudgeTimes = {
  firstPoll: 1_000,
  checks: [2_000, 10_000],
  tooYoung: 500,
  lateCheck: 5_000,
  gap: 5_000,
};

/** What the nudges of one table ask for. All times are milliseconds by one clock that nobody sets. */
export interface NudgePlan {
  /** The first nudge that no run has answered, and the last one; undefined if none waits. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The first nudge since the run under way began. */
  readonly during: number | undefined;
  /** When the polls follow that look once more. */
  readonly checks: readonly number[];
  /** The plan waits until the run has ended. */
  readonly isRunning: boolean;
  /** A poll was asked for that has not begun yet. */
  readonly isAsked: boolean;
  /** No poll begins before, because another process has polled the table. */
  readonly notBefore: number;
}

export const NO_NUDGE: NudgePlan = {
  first: undefined,
  last: undefined,
  during: undefined,
  checks: [],
  isRunning: false,
  isAsked: false,
  notBefore: Number.NEGATIVE_INFINITY,
};

/** A poll that the nudges ask for. */
export interface PlannedPoll {
  readonly at: number;
  /** Looks once more after a poll that brought nothing. */
  readonly isCheck: boolean;
  /** A run of another process that ended after this moment is as good as the poll. */
  readonly dueAt: number;
}

/** The next poll of a table; undefined if the nudges ask for none, or while the table runs. */
export function nextPoll(
  plan: NudgePlan,
  { firstPoll, tooYoung }: NudgeTimes = NUDGE_TIMES,
): PlannedPoll | undefined {
  const { first, last, checks, notBefore } = plan;
  if (plan.isRunning || plan.isAsked) return undefined;
  const [check] = checks;
  const nudged = first === undefined ? Number.POSITIVE_INFINITY : first + firstPoll;
  if (check !== undefined && check < nudged) {
    return { at: Math.max(check, notBefore), isCheck: true, dueAt: check };
  }
  if (first === undefined || last === undefined) return undefined;
  return { at: Math.max(nudged, notBefore), isCheck: false, dueAt: last + tooYoung };
}

/** A nudge came. */
export function afterNudge(plan: NudgePlan, at: number): NudgePlan {
  if (plan.isRunning) return { ...plan, during: plan.during ?? at };
  return { ...plan, first: plan.first ?? at, last: at };
}

/** The poll was asked for. */
export function afterAsking(plan: NudgePlan): NudgePlan {
  return { ...plan, isAsked: true };
}

/** The poll must wait, because another process has polled the table. */
export function afterWait(plan: NudgePlan, notBefore: number): NudgePlan {
  return { ...plan, isAsked: false, notBefore };
}

/** The table cannot be polled now. Its schedule runs it when it can. */
export function afterRefusal({ isRunning }: NudgePlan): NudgePlan {
  return { ...NO_NUDGE, isRunning };
}

/** A run began, for whatever reason. */
export function afterBegin(plan: NudgePlan): NudgePlan {
  return { ...plan, isRunning: true, isAsked: false, during: undefined };
}

/** How a run ended that the plan knows of. */
export interface EndedRun {
  readonly begunAt: number;
  readonly outcome: ToldOutcome;
}

/** The run ended. It has answered the nudges that came before it began. */
export function afterEnd(
  plan: NudgePlan,
  { begunAt, outcome }: EndedRun,
  times: NudgeTimes = NUDGE_TIMES,
): NudgePlan {
  const { first, last, during } = plan;
  const answered = first !== undefined;
  return { ...NO_NUDGE, first: during, last: during, checks: checksAfter() };

  function checksAfter(): readonly number[] {
    // The schedule tries a failed table again. Nudges must not make it fail more often.
    if (outcome === 'unknown') return [];
    if (outcome === 'nothing') {
      if (answered) return times.checks.map((check) => begunAt + check);
      return plan.checks.filter((check) => check > begunAt);
    }
    const isYoung = answered && last !== undefined && last > begunAt - times.tooYoung;
    return isYoung ? [begunAt + times.lateCheck] : [];
  }
}
