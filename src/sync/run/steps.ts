import { versionReached } from '../../dataverse/feed/links.ts';
import type { PageStep } from '../../mirror/page/page-step.ts';
import { beginning, isLoading, type Checkpoint } from '../../model/checkpoint.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { failureFields, type Failure } from '../../model/failure.ts';
import type { Link } from '../../model/page.ts';
import { NEW_READING, afterPage } from './reading.ts';
import { linkKeepsExpiring, repairFor, type Circumstances } from './repairs.ts';
import { beginsBehind, environmentRewound, leadsBack } from './rewind.ts';
import {
  FIRST_PAGE,
  type Fetch,
  type Note,
  type Outcome,
  type RunEvent,
  type RunState,
  type Step,
} from './run-state.ts';
import { startingPoint } from './starting-point.ts';

export interface Next {
  readonly state: RunState;
  readonly step: Step;
}

const WHILE_READING: Circumstances = { isReading: true, metadataChanged: false, columnsAreRefused: false };

/** What a run does after an event. The same state and event always mean the same step. */
export function next(state: RunState, event: RunEvent): Next {
  switch (event.is) {
    case 'begun':
      return { state, step: { do: event.canPoll ? 'poll' : 'acquire' } };
    case 'polled':
      return event.rests
        ? { state: { ...state, phase: 'delta' }, step: end('resting') }
        : { state, step: { do: 'acquire' } };
    case 'acquired': {
      const { checkpoint, resync } = event;
      const phase = state.hasStored ? state.phase : checkpoint.phase;
      const step = event.isCurrent && resync === null ? end('current') : prepare('lease');
      return {
        state: { ...state, holdsLease: true, isOnRecord: true, hasLoaded: false, checkpoint, phase, resync },
        step,
      };
    }
    case 'prepared':
      return prepared(state, event);
    case 'fetched':
      return state.mode === 'snapshot'
        ? snapshotPage(state, event.link)
        : changesPage(state, event.link, event.highest);
    case 'no-place':
      return { state, step: { do: 'defer', forgetSelection: !state.isOnRecord } };
    case 'stored':
      return stored(state, event);
    case 'looked-around':
      return state.storing === undefined
        ? failed(state, environmentRewound(), WHILE_READING)
        : { state, step: store(state.storing, state.upcoming) };
    case 'waited': {
      // The run begins anew, so every other repair may be needed anew.
      const repairs = { 'wait-for-database': state.repairs['wait-for-database'] ?? 0 };
      return { state: { ...state, holdsLease: false, repairs }, step: { do: 'acquire' } };
    }
    case 'state-restored':
      return { state: { ...state, holdsLease: false }, step: { do: 'acquire' } };
    case 'definition-read':
      if (!event.changed) return failed(state, event.failure, event.circumstances);
      return {
        state: { ...state, isOnRecord: false },
        step: {
          ...prepare('store', true),
          notes: [note('info', 'The table has changed at the source; it is re-baselined.')],
        },
      };
    case 'deferred':
      return { state, step: end('deferred') };
    case 'failed':
      return failed(state, event.failure, event.circumstances);
    case 'explained':
      return { state, step: end('failed', event.failure) };
  }
}

/** Whether the first page of a load has to be compared with the highest row version in the mirror table. */
export function needsHighestVersion(state: RunState, first: Link | null): boolean {
  if (first === null || !mayBeRewound(state) || leadsBack(state.linkBefore, first)) return false;
  return versionReached(first) !== undefined;
}

/** The mirror table fits: the run begins to read. */
function prepared(
  state: RunState,
  { stored: checkpoint, surroundings, pendingFailure }: Extract<RunEvent, { is: 'prepared' }>,
): Next {
  const { mode } = state;
  const restart = (state.restart && !state.hasStored) || state.resync !== null;
  const start = startingPoint(checkpoint, { ...surroundings, mode, restart });
  const upcoming: Fetch = { link: start.checkpoint.link, loads: isLoading(start.checkpoint) };
  return {
    state: {
      ...state,
      linksTell: !surroundings.isVirtual,
      checkpoint: start.checkpoint,
      phase: state.hasStored ? state.phase : start.checkpoint.phase,
      upcoming,
      linkBefore: checkpoint.link,
      reading: NEW_READING,
      boundIsOld: upcoming.link?.kind === 'next',
      isDoubted: false,
      storing: undefined,
      beginsAgain: false,
      pendingFailure,
    },
    step: fetchPage(upcoming, [
      ...(start.warning === undefined ? [] : [note('warn', start.warning)]),
      ...(state.resync === null ? [] : [note('info', RESYNC)]),
    ]),
  };
}

/**
 * A page of the change feed came.
 *
 * A load is always followed by its first delta, for rows that changed while it paged. A delta whose pages
 * an earlier run began has an upper bound from then, so another delta follows it.
 */
function changesPage(state: RunState, link: Link | null, highest: bigint | null): Next {
  if (link === null) throw new TypeError('A page of a change feed always has a link.');
  if (state.linksTell && leadsBack(state.checkpoint.link, link)) return doubted(state);
  const isRewound = mayBeRewound(state) && beginsBehind(link, state.linkBefore, highest);
  const from = isRewound ? { ...state.checkpoint, rewound: true } : state.checkpoint;
  const after = afterPage(state.reading, from, link);
  const { checkpoint, sweep, repeats } = after;
  const deltaEnds = link.kind === 'delta' && !isLoading(from) && !repeats;
  const finished = deltaEnds && !state.boundIsOld;
  const begins = from.link === null;
  const page = { from, advance: { checkpoint, sweep }, begins, finished, repeats, ...answer(state, begins) };
  const storing: RunState = {
    ...begun(state),
    checkpoint: from,
    reading: after.reading,
    boundIsOld: state.boundIsOld && !deltaEnds && !repeats,
    isDoubted: false,
    isOnRecord: false,
    storing: page,
    upcoming: { link: checkpoint.link, loads: isLoading(checkpoint) },
  };
  const notes = repeats ? [repetition(checkpoint)] : [];
  if (!isRewound) return { state: storing, step: { ...store(page, storing.upcoming), notes } };
  const { code, message } = environmentRewound();
  const step = {
    do: 'look-around',
    checkpoint: null,
    notes: [note('warn', message, { code }), ...notes],
  } as const;
  return { state: storing, step };
}

/** The state once a page has come. Only then has a load that the run had to begin again really begun. */
function begun(state: RunState): RunState {
  return state.beginsAgain ? { ...state, beginsAgain: false, phase: state.checkpoint.phase } : state;
}

/** Whether the page that comes may show that the environment went back in time before this load began. */
function mayBeRewound({ mode, checkpoint, linksTell }: RunState): boolean {
  const { phase, link, rewound } = checkpoint;
  return linksTell && mode === 'changes' && phase === 'rebaseline' && link === null && !rewound;
}

/**
 * The link that came stands further back than the link that led to it. One such answer may be from a
 * server that lags behind the others, and what would follow is a load that replaces newer rows by older
 * ones. Two such answers in a row say that the environment went back in time.
 */
function doubted(state: RunState): Next {
  if (!state.isDoubted) return { state: { ...state, isDoubted: true }, step: fetchPage(state.upcoming) };
  // The next answer may look like any other. So what these two answers said is stored before anything else.
  const checkpoint = beginning('rebaseline', state.checkpoint.selection ?? '', true);
  return { state: { ...state, storing: undefined }, step: { do: 'look-around', checkpoint } };
}

/**
 * A page of a full read came. The run stores none of its links: they belong to a plain read, and are of
 * no use to a change feed. Until the snapshot is complete the run stores no selection either, so that a
 * change of `mode` means a re-baseline, with its sweep.
 */
function snapshotPage(state: RunState, link: Link | null): Next {
  const { checkpoint: from } = state;
  const finished = link === null;
  const advance = finished
    ? { checkpoint: { ...from, phase: 'delta' as const, rewound: false }, sweep: from.phase === 'rebaseline' }
    : { checkpoint: { ...from, selection: null }, sweep: false };
  const begins = state.upcoming.link === null;
  const page = { from, advance, begins, finished, loadsEachTime: true, ...answer(state, begins) };
  const upcoming = { link, loads: true };
  return {
    state: { ...begun(state), isOnRecord: false, storing: page, upcoming },
    step: store(page, upcoming),
  };
}

/** The first page of a load answers the request for a new baseline that the run knows of. */
function answer({ resync }: RunState, begins: boolean): Pick<PageStep, 'resync'> {
  return begins && resync !== null ? { resync } : {};
}

/**
 * A page is stored. What people asked of the table meanwhile comes with that: the run stops for a pause, and begins a
 * load again for a new baseline. A run that is at its end leaves both to the next run.
 */
function stored(
  state: RunState,
  { refusedSweep: refused, paused, resync }: Extract<RunEvent, { is: 'stored' }>,
): Next {
  const { storing, mode } = state;
  if (storing === undefined) throw new TypeError('No page was being stored.');
  const hasLoaded = state.hasLoaded || isLoading(storing.from);
  const { 'wait-for-database': _, ...repairs } = state.repairs;
  const checkpoint =
    refused?.checkpoint ?? (mode === 'snapshot' ? state.checkpoint : storing.advance.checkpoint);
  const after: RunState = {
    ...state,
    checkpoint,
    hasStored: true,
    hasLoaded,
    repairs,
    resync: storing.begins ? null : state.resync,
    storing: undefined,
  };
  if (!storing.finished) {
    if (paused !== null) return { state: after, step: end('failed', paused) };
    if (resync !== null) return resynced(after, resync);
    return { state: after, step: fetchPage(state.upcoming) };
  }
  if (refused !== null) {
    const loadedIn = hasLoaded ? 'this run' : 'an earlier run';
    return { state: after, step: { do: 'examine-sweep', refused, loadedIn } };
  }
  const { pendingFailure } = state;
  return {
    state: after,
    step: pendingFailure === undefined ? end('up to date') : end('failed', pendingFailure),
  };
}

/** Something failed: the run repairs what a rule of repairs.ts can mend, and ends otherwise. */
function failed(before: RunState, failure: Failure, circumstances: Circumstances): Next {
  const repair = repairFor(failure, circumstances, before.repairs);
  if (repair === undefined) return { state: before, step: giveUp(before, failure) };
  const attempt = (before.repairs[repair] ?? 0) + 1;
  const repairs = { ...before.repairs, [repair]: attempt };
  const state: RunState = { ...before, repairs, storing: undefined, isDoubted: false };
  switch (repair) {
    case 'wait-for-database':
      return { state, step: { do: repair, failure, attempt } };
    case 'restore-state':
      return { state, step: { do: repair } };
    case 'read-definition':
      return { state, step: { do: repair, failure } };
    case 'prepare-again':
    case 'follow-again':
      return {
        state: { ...state, isOnRecord: true },
        step: state.holdsLease ? prepare('store') : { do: 'acquire' },
      };
    case 'give-up-link': {
      const { errorCode, status } = failure.details;
      const told = note('warn', "The table's link is refused for good; it is re-baselined.", {
        errorCode,
        status,
      });
      return { state: { ...state, isOnRecord: false }, step: { ...prepare('store', true), notes: [told] } };
    }
    case 'load-again':
      return loadAgain(state, failure);
  }
}

/** The table is read again from its first page. */
function loadAgain(state: RunState, failure: Failure): Next {
  const { mode, checkpoint } = state;
  const isRewound = mode === 'snapshot' || checkpoint.rewound || failure.code === 'environment-rewound';
  const start = beginning('rebaseline', checkpoint.selection ?? '', isRewound);
  const message =
    mode === 'snapshot'
      ? 'A link of the full read is refused; the read begins anew.'
      : `${failure.message} The table is re-baselined.`;
  return {
    state: { ...fromFirstPage(state, start), isOnRecord: false },
    step: fetchPage(FIRST_PAGE, [note('warn', message, failureFields(failure))]),
  };
}

/** A person has asked for a new baseline while the run was reading. */
function resynced(state: RunState, resync: string): Next {
  const { mode, checkpoint } = state;
  const start = beginning(
    'rebaseline',
    checkpoint.selection ?? '',
    mode === 'snapshot' || checkpoint.rewound,
  );
  return {
    // The state has the request until the first page is stored, so the next run does the same.
    state: { ...fromFirstPage(state, start), resync, isOnRecord: true },
    step: fetchPage(FIRST_PAGE, [note('info', RESYNC)]),
  };
}

const RESYNC = 'A new baseline was asked for; the table is read again from its first page.';

function fromFirstPage(state: RunState, checkpoint: Checkpoint): RunState {
  return {
    ...state,
    checkpoint,
    beginsAgain: true,
    upcoming: FIRST_PAGE,
    linkBefore: state.checkpoint.link,
    reading: NEW_READING,
    boundIsOld: false,
    hasLoaded: false,
  };
}

/** Failures whose reason the environment may tell when it is asked. */
const EXPLAINABLE: ReadonlySet<FailureCode> = new Set(['delta-link-missing', 'request-refused']);

function giveUp(state: RunState, failure: Failure): Step {
  if (state.repairs['load-again'] !== undefined && failure.reaction === 'rebaseline') {
    return end('failed', linkKeepsExpiring(failure, state.mode));
  }
  return EXPLAINABLE.has(failure.code) ? { do: 'explain', failure } : end('failed', failure);
}

function prepare(from: 'lease' | 'store', loadAnew = false): Step {
  return { do: 'prepare', from, loadAnew };
}

function fetchPage(fetch: Fetch, notes: readonly Note[] = []): Step {
  return { do: 'fetch', fetch, notes };
}

function store(page: PageStep, upcoming: Fetch): Step {
  return { do: 'store', page, ahead: page.finished ? undefined : upcoming };
}

function end(outcome: Outcome, failure: Failure | null = null): Step {
  return { do: 'end', outcome, failure };
}

function note(level: Note['level'], message: string, fields: Note['fields'] = {}): Note {
  return { level, message, fields };
}

function repetition(after: Checkpoint): Note {
  const what = isLoading(after) ? 'the table is loaded' : 'the delta is read';
  return note('info', `Rows may have changed while these pages came; ${what} once more.`);
}
