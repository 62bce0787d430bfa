import type { PageStep, RefusedSweep } from '../../mirror/page/page-step.ts';
import { NEW_CHECKPOINT, type Checkpoint } from '../../model/checkpoint.ts';
import type { Failure } from '../../model/failure.ts';
import type { Link } from '../../model/page.ts';
import { NEW_READING, type Reading } from './reading.ts';
import type { LoadedIn } from './refused-sweep.ts';
import type { Circumstances, Repairs } from './repairs.ts';
import type { Surroundings } from './starting-point.ts';

/**
 * A run of one table, as a value. `next` of steps.ts decides what the run does after each event, and
 * nothing else does; table-run.ts performs the steps and reports what came of each as the next event.
 *
 * ```
 * poll ─► acquire ─► prepare ─► fetch ⇄ store ─► end
 *            ▲          ▲         ▲
 *            └──────────┴─────────┴── repair
 * ```
 */
export interface RunState {
  readonly mode: 'changes' | 'snapshot';
  /**
   * Links tell how far the environment has got. Those of a virtual table do not: what its provider counts in them, if
   * anything, is not known, and a number that falls would say nothing.
   */
  readonly linksTell: boolean;
  /** Somebody asked for a load, whatever the checkpoint says. */
  readonly restart: boolean;
  /** This run has stored a page. */
  readonly hasStored: boolean;
  readonly holdsLease: boolean;
  /** The phase that the run began in; or the re-baseline that it had to begin later. */
  readonly phase: Checkpoint['phase'];
  /** Where the table stands: as of the last stored page, or where the run begins. */
  readonly checkpoint: Checkpoint;
  /** The page that comes next. */
  readonly upcoming: Fetch;
  /** The link that was followed before a load took its place. */
  readonly linkBefore: Link | null;
  /** The stored checkpoint says already what this run is doing. If the run ends now, the next run does the same. */
  readonly isOnRecord: boolean;
  /** A person's request for a new baseline, until the first page of that load is stored; null where none waits. */
  readonly resync: string | null;
  /** The run has to load the table anew, and no page of that load has come. */
  readonly beginsAgain: boolean;
  readonly reading: Reading;
  /** An earlier run began the delta under way. Its pages end with the changes of that time. */
  readonly boundIsOld: boolean;
  /** This run has stored a page of the load, which a sweep will end. */
  readonly hasLoaded: boolean;
  /** The last page had a link that stands further back than the link to it. The run fetches that page again. */
  readonly isDoubted: boolean;
  readonly repairs: Repairs;
  /** The page that is being stored. */
  readonly storing: PageStep | undefined;
  /** The failure that the run ends with once everything else is stored. */
  readonly pendingFailure: Failure | undefined;
}

/** A line for the log that goes with a step. */
export interface Note {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What the run does next. */
export type Step = StepWork & { readonly notes?: readonly Note[] };

type StepWork =
  /** Follows the link of a resting table without its lease. */
  | { readonly do: 'poll' }
  | { readonly do: 'acquire' }
  /** Makes the mirror table fit; from the checkpoint that came with the lease, or the one stored by now. */
  | { readonly do: 'prepare'; readonly from: 'lease' | 'store'; readonly loadAnew: boolean }
  | { readonly do: 'fetch'; readonly fetch: Fetch }
  /** Stores the page that came; `ahead` is the page that the run will fetch after it. */
  | { readonly do: 'store'; readonly page: PageStep; readonly ahead: Fetch | undefined }
  /** The environment went back in time: stores the checkpoint if there is one, and reads metadata and organization anew. */
  | { readonly do: 'look-around'; readonly checkpoint: Checkpoint | null }
  | { readonly do: 'examine-sweep'; readonly refused: RefusedSweep; readonly loadedIn: LoadedIn }
  | { readonly do: 'wait-for-database'; readonly failure: Failure; readonly attempt: number }
  | { readonly do: 'restore-state' }
  | { readonly do: 'read-definition'; readonly failure: Failure }
  /** Puts a load off; `forgetSelection` makes the stored checkpoint say that a load is due. */
  | { readonly do: 'defer'; readonly forgetSelection: boolean }
  /** Asks the environment for the reason behind a failure. */
  | { readonly do: 'explain'; readonly failure: Failure }
  | { readonly do: 'end'; readonly outcome: Outcome; readonly failure: Failure | null };

/** How a run ends. `current`: another process has brought the table up to date meanwhile. */
export type Outcome = 'up to date' | 'resting' | 'current' | 'deferred' | 'failed';

/** A page to read. */
export interface Fetch {
  /** Null for the first page of a load. */
  readonly link: Link | null;
  /** The page belongs to a load, which needs a place among the loads. */
  readonly loads: boolean;
}

/** What came of a step. */
export type RunEvent =
  | { readonly is: 'begun'; readonly canPoll: boolean }
  | { readonly is: 'polled'; readonly rests: boolean }
  | {
      readonly is: 'acquired';
      readonly checkpoint: Checkpoint;
      readonly isCurrent: boolean;
      readonly resync: string | null;
    }
  | {
      readonly is: 'prepared';
      readonly stored: Checkpoint;
      readonly surroundings: Omit<Surroundings, 'mode' | 'restart'>;
      readonly pendingFailure: Failure | undefined;
    }
  /** `highest`: the highest row version in the mirror table, where `needsHighestVersion` says so. */
  | { readonly is: 'fetched'; readonly link: Link | null; readonly highest: bigint | null }
  | { readonly is: 'no-place' }
  /** `paused`: a person has paused the table by now. `resync`: a person's request for a new baseline that waits. */
  | {
      readonly is: 'stored';
      readonly refusedSweep: RefusedSweep | null;
      readonly paused: Failure | null;
      readonly resync: string | null;
    }
  | { readonly is: 'looked-around' }
  | { readonly is: 'waited' }
  | { readonly is: 'state-restored' }
  | {
      readonly is: 'definition-read';
      readonly changed: boolean;
      readonly failure: Failure;
      readonly circumstances: Circumstances;
    }
  | { readonly is: 'deferred' }
  | { readonly is: 'failed'; readonly failure: Failure; readonly circumstances: Circumstances }
  | { readonly is: 'explained'; readonly failure: Failure };

/** The first page of a load. */
export const FIRST_PAGE: Fetch = { link: null, loads: true };

/** A run before its first step. */
export function newRun(mode: RunState['mode'], restart: boolean): RunState {
  return {
    mode,
    linksTell: true,
    restart,
    hasStored: false,
    holdsLease: false,
    phase: 'new',
    checkpoint: NEW_CHECKPOINT,
    upcoming: FIRST_PAGE,
    linkBefore: null,
    isOnRecord: true,
    resync: null,
    beginsAgain: false,
    reading: NEW_READING,
    boundIsOld: false,
    hasLoaded: false,
    isDoubted: false,
    repairs: {},
    storing: undefined,
    pendingFailure: undefined,
  };
}
