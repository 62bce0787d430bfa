import { isObjectGone } from '../../mirror/connection/sqlstate.ts';
import { isRefused } from '../../dataverse/feed/refused-columns.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { Failure } from '../../model/failure.ts';
import { backOff } from '../../timing/back-off.ts';
import { reachOf } from '../watch/outage-log.ts';

/** What a run does after a failure so that it can go on. Each repair leads back to an earlier step of the run. */
export type Repair =
  /** Gives the lease back, waits, and takes the lease again. */
  | 'wait-for-database'
  /** Looks at definition and mirror table again. */
  | 'prepare-again'
  /** Makes the state schema anew, and takes the lease again. */
  | 'restore-state'
  /** Reads the definition; a table that has changed is loaded anew. */
  | 'read-definition'
  /** Follows the same link once more. */
  | 'follow-again'
  /** Loads the table anew in place of following its link. */
  | 'give-up-link'
  /** Reads the table again from its first page. */
  | 'load-again';

/** What a run knows when it meets a failure, beside the failure itself. */
export interface Circumstances {
  /** The run was reading: the failure is about the table's rows or links. */
  readonly isReading: boolean;
  /** The environment's metadata have changed since the table was prepared. */
  readonly metadataChanged: boolean;
  /** The client found columns of the table that the environment refuses; they explain a refusal. */
  readonly columnsAreRefused: boolean;
}

interface Rule {
  readonly repair: Repair;
  /** The failures that the repair may mend. */
  readonly mends: (failure: Failure, circumstances: Circumstances) => boolean;
  /**
   * How often a run does it at most. A wait for the database sets the counts of the other repairs back to zero,
   * because the run then begins anew. A stored page sets the count of the waits back to zero.
   */
  readonly atMost: number;
}

/** Troubles of PostgreSQL that pass by themselves, and say nothing of the table. */
export const DATABASE_TROUBLES: readonly FailureCode[] = ['database-unreachable', 'database-unavailable'];

const codes =
  (...names: readonly FailureCode[]) =>
  ({ code }: Failure): boolean =>
    names.includes(code);

/**
 * The table of repairs. The first rule that mends a failure, and that the run has not used up, applies;
 * a failure that no rule mends ends the run.
 *
 * A refused request (a 400 whose code says nothing to mirrorverse) has several possible causes, so it
 * has several rules. A link keeps its selection, so a column that is gone from the source makes the link
 * refused: the definition is read anew first. Then the link is followed once more, and after a second
 * refusal the link is of no use, whatever the code means.
 */
const RULES: readonly Rule[] = [
  { repair: 'wait-for-database', mends: isDatabaseAway, atMost: 20 },
  {
    // PostgreSQL answers, and refuses what this table writes. Each further try fetches and writes the page again.
    repair: 'wait-for-database',
    mends: (failure) => codes(...DATABASE_TROUBLES)(failure) && !isDatabaseAway(failure),
    atMost: 7,
  },
  { repair: 'restore-state', mends: isObjectGone, atMost: 1 },
  {
    // The mirror table may have been changed by hand, or the table at the source has changed.
    repair: 'prepare-again',
    mends: (failure, { metadataChanged }) =>
      codes('statement-failed', 'definition-outdated', 'mirror-replaced')(failure) ||
      (failure.code === 'too-many-bad-rows' && metadataChanged),
    atMost: 1,
  },
  {
    repair: 'read-definition',
    mends: (failure, { columnsAreRefused }) => isRefused(failure) && !columnsAreRefused,
    atMost: 1,
  },
  { repair: 'follow-again', mends: isRefusedLink, atMost: 1 },
  { repair: 'give-up-link', mends: isRefusedLink, atMost: 1 },
  // An expired link, an environment that went back in time, a load that turned out to be incomplete.
  {
    repair: 'load-again',
    mends: ({ reaction }, { isReading }) => isReading && reaction === 'rebaseline',
    atMost: 2,
  },
];

/** How often a run has done each repair. */
export type Repairs = Readonly<Partial<Record<Repair, number>>>;

/** The repair that a run does after a failure; undefined where the failure ends the run. */
export function repairFor(failure: Failure, circumstances: Circumstances, done: Repairs): Repair | undefined {
  const rule = RULES.find(
    ({ repair, mends, atMost }) => mends(failure, circumstances) && (done[repair] ?? 0) < atMost,
  );
  return rule?.repair;
}

const isWait = ({ repair }: Rule): boolean => repair === 'wait-for-database';
/** The two rules about waits share one count. */
const MOST_WAITS = Math.max(...RULES.filter(isWait).map(({ atMost }) => atMost));
const OTHER_REPAIRS = RULES.filter((rule) => !isWait(rule)).reduce((sum, { atMost }) => sum + atMost, 0);

/**
 * How often a run fetches one page at most, while it stores no page: once, and once after each other repair,
 * and all of that again after each wait for the database. Each of these may be two requests, because a page
 * with a link that stands further back is fetched twice.
 */
export const MOST_FETCHES = 2 * (1 + MOST_WAITS) * (1 + OTHER_REPAIRS);

/**
 * PostgreSQL cannot be reached, or it works for no table: it starts, recovers, or only reads. A table that asks
 * costs little then, because it gets no lease and so requests nothing from the environment.
 */
export function isDatabaseAway(failure: Failure): boolean {
  return DATABASE_TROUBLES.includes(failure.code) && reachOf(failure) === 'process';
}

/** A link that was followed was refused with a code that says nothing to mirrorverse. */
function isRefusedLink(failure: Failure, { columnsAreRefused }: Circumstances): boolean {
  return (
    !columnsAreRefused &&
    isRefused(failure) &&
    failure.details['status'] === 400 &&
    failure.details['link'] !== undefined
  );
}

/** Milliseconds that no wait for a database exceeds while it is away: so soon a table goes on when it is back. */
const LONGEST_WHILE_AWAY = 5_000;
const LONGEST_WITHOUT_ROOM = 40_000;

/**
 * Milliseconds before a run asks a database again that was in trouble: 0.8 s, doubling to the longest wait, half
 * of it by chance. That is 45 to 90 seconds in all for either trouble; a restart of PostgreSQL may take a minute.
 *
 * @param attempt 1 for the first wait in a row.
 * @param random in [0, 1).
 */
export function databaseRest(failure: Failure, attempt: number, random: number): number {
  const longest = isDatabaseAway(failure) ? LONGEST_WHILE_AWAY : LONGEST_WITHOUT_ROOM;
  return backOff({ first: 800, longest }, attempt, random);
}

/** The failure of a run that began a load several times and finished none of them. */
export function linkKeepsExpiring(cause: Failure, mode: 'changes' | 'snapshot'): Failure {
  const { details } = cause;
  const code = 'link-keeps-expiring';
  if (mode === 'changes') {
    const message = 'One new baseline after another came to nothing.';
    return new Failure({ code, message, cause, details });
  }
  const message = 'The environment refused link after link of a full read.';
  const remedy = 'Nothing to do if its tables are being changed just now; otherwise check the environment.';
  return new Failure({ code, message, remedy, cause, details });
}
