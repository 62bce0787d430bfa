import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MOST_FETCHES } from '../../src/sync/run/repairs.ts';
import { newRun, type RunEvent, type RunState, type Step } from '../../src/sync/run/run-state.ts';
import { next } from '../../src/sync/run/steps.ts';
import {
  came,
  DELTA,
  delta,
  EXPIRED,
  failed,
  failure,
  page,
  prepared,
  REFUSED,
  STORED,
} from './run-events.ts';

/** What may come of a step, good or bad. */
function outcomes(step: Step, state: RunState): fc.Arbitrary<RunEvent> {
  const links = fc
    .integer({ min: 1, max: 20 })
    .chain((version) => fc.constantFrom(delta(version), page(version, 2)));
  const failures = fc
    .constantFrom(
      failure('database-unreachable'),
      failure('statement-failed'),
      failure('statement-failed', { sqlstate: '42P01' }),
      failure('mirror-replaced'),
      REFUSED,
      EXPIRED,
      failure('delta-link-missing'),
      failure('lease-lost'),
    )
    .map((one) => failed(one));
  const good = (): fc.Arbitrary<RunEvent> => {
    switch (step.do) {
      case 'poll':
        return fc.boolean().map((rests) => ({ is: 'polled', rests }));
      case 'acquire':
        return fc.constant({ is: 'acquired', checkpoint: DELTA, isCurrent: false, resync: null });
      case 'prepare':
        return fc.constantFrom(prepared(DELTA), prepared({ ...DELTA, selection: null }));
      case 'fetch':
        return fc.oneof(
          state.mode === 'snapshot' ? fc.constant(came(null)) : links.map((link) => came(link)),
          ...(step.fetch.loads ? [fc.constant<RunEvent>({ is: 'no-place' })] : []),
        );
      case 'store':
        return fc.constant(STORED);
      case 'look-around':
        return fc.constant({ is: 'looked-around' });
      case 'wait-for-database':
        return fc.constant({ is: 'waited' });
      case 'restore-state':
        return fc.constant({ is: 'state-restored' });
      case 'read-definition': {
        const circumstances = { isReading: true, metadataChanged: false, columnsAreRefused: false };
        const read = { is: 'definition-read', failure: step.failure, circumstances } as const;
        return fc.boolean().map((changed) => ({ ...read, changed }));
      }
      case 'defer':
        return fc.constant({ is: 'deferred' });
      case 'explain':
        return fc.constant({ is: 'explained', failure: step.failure });
      case 'examine-sweep':
      case 'end':
        return failures;
    }
  };
  return step.do === 'explain' ? good() : fc.oneof({ weight: 3, arbitrary: good() }, failures);
}

test('a run asks for a page as often as the rules of repair say at most, while it stores no page', () => {
  fc.assert(
    fc.property(fc.gen(), fc.constantFrom('changes' as const, 'snapshot' as const), (gen, mode) => {
      let state = newRun(mode, false);
      let event: RunEvent = { is: 'begun', canPoll: true };
      let sent = 0;
      for (let count = 0; count < 400; count++) {
        const decided = next(state, event);
        ({ state } = decided);
        const { step } = decided;
        if (step.do === 'end') return;
        if (step.do === 'fetch') sent++;
        if (event.is === 'stored') sent = 1;
        expect(sent).toBeLessThanOrEqual(MOST_FETCHES);
        event = gen(() => outcomes(step, state));
      }
    }),
    { numRuns: 500 },
  );
});

/** Each repair once or as often as its rule allows, and then a database that is in trouble. */
const WORST = [
  failure('statement-failed', { sqlstate: '42P01' }),
  failure('statement-failed'),
  REFUSED,
  REFUSED,
  REFUSED,
  EXPIRED,
  EXPIRED,
  failure('database-unreachable'),
];

/** What comes of a step that succeeds, in a run that stores no page. */
function success(step: Step): RunEvent {
  switch (step.do) {
    case 'acquire':
      return { is: 'acquired', checkpoint: DELTA, isCurrent: false, resync: null };
    case 'prepare':
      return prepared(step.loadAnew ? { ...DELTA, selection: null } : DELTA);
    case 'restore-state':
      return { is: 'state-restored' };
    case 'wait-for-database':
      return { is: 'waited' };
    case 'read-definition': {
      const circumstances = { isReading: true, metadataChanged: false, columnsAreRefused: false };
      return { is: 'definition-read', changed: true, failure: step.failure, circumstances };
    }
    default:
      throw new Error(`not a step of this test: ${step.do}`);
  }
}

test('a run that meets every trouble in the worst order fetches a page exactly as often as the rules allow', () => {
  let { state, step } = next(newRun('changes', false), { is: 'begun', canPoll: false });
  let fetches = 0;
  while (step.do !== 'end') {
    const event: RunEvent =
      step.do === 'fetch' ? failed(WORST[fetches++ % WORST.length] ?? REFUSED) : success(step);
    ({ state, step } = next(state, event));
  }
  // No answer leads back in time here, which would be a second request each time.
  expect(fetches).toBe(MOST_FETCHES / 2);
  expect(step.failure?.code).toBe('database-unreachable');
});
