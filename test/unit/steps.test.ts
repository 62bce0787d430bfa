import { describe, expect, test } from 'vitest';
import type { RefusedSweep } from '../../src/mirror/page/page-step.ts';
import { beginning, NEW_CHECKPOINT, type Checkpoint } from '../../src/model/checkpoint.ts';
import { Failure } from '../../src/model/failure.ts';
import { newRun, type RunEvent, type RunState, type Step } from '../../src/sync/run/run-state.ts';
import { databaseRest } from '../../src/sync/run/repairs.ts';
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

const sum = (waits: readonly number[]): number => waits.reduce((total, wait) => total + wait, 0);

const INCOMPLETE = new Failure({ code: 'load-incomplete', reaction: 'rebaseline', message: 'incomplete' });

/** The steps of a run that meets these events, in their order. */
function steps(events: readonly RunEvent[], start: RunState = newRun('changes', false)): Step[] {
  let state = start;
  return events.map((event) => {
    const decided = next(state, event);
    ({ state } = decided);
    return decided.step;
  });
}

/** A run of a table that is up to date, up to its first request. */
const begun = (stored: Checkpoint = DELTA): RunEvent[] => [
  { is: 'begun', canPoll: false },
  { is: 'acquired', checkpoint: stored, isCurrent: false, resync: null },
  prepared(stored),
];

const stateAfter = (events: readonly RunEvent[]): RunState =>
  events.reduce((state, event) => next(state, event).state, newRun('changes', false));

const last = (events: readonly RunEvent[], start?: RunState): Step | undefined => steps(events, start).at(-1);

describe('a run', () => {
  test('a run takes the lease, prepares, follows the stored link, stores what came, and ends', () => {
    expect(steps([...begun(), came(delta(6)), STORED]).map(({ do: what }) => what)).toEqual([
      'acquire',
      'prepare',
      'fetch',
      'store',
      'end',
    ]);
  });

  test('a run whose idle poll finds nothing ends without the lease', () => {
    const polled: RunEvent[] = [
      { is: 'begun', canPoll: true },
      { is: 'polled', rests: true },
    ];
    expect(steps(polled)).toMatchObject([{ do: 'poll' }, { do: 'end', outcome: 'resting' }]);
  });

  test('a run whose idle poll finds anything takes the lease', () => {
    expect(
      last([
        { is: 'begun', canPoll: true },
        { is: 'polled', rests: false },
      ]),
    ).toEqual({ do: 'acquire' });
  });

  test('a run ends when another process has brought the table up to date meanwhile', () => {
    const events: RunEvent[] = [
      { is: 'begun', canPoll: false },
      { is: 'acquired', checkpoint: DELTA, isCurrent: true, resync: null },
    ];
    expect(last(events)).toMatchObject({ do: 'end', outcome: 'current' });
  });

  test('a load is followed by its first delta before the run ends', () => {
    const load = [...begun(NEW_CHECKPOINT), came(delta(9)), STORED];
    expect(last(load)).toMatchObject({ do: 'fetch', fetch: { link: delta(9), loads: false } });
    expect(last([...load, came(delta(9)), STORED])).toMatchObject({ do: 'end', outcome: 'up to date' });
  });

  test('a delta whose pages an earlier run began is followed by another delta', () => {
    const walk = { ...DELTA, link: page(9, 3) };
    const first = [...begun(walk), came(delta(9)), STORED];
    expect(last(first)).toMatchObject({ do: 'fetch', fetch: { link: delta(9) } });
    expect(last([...first, came(delta(10)), STORED])).toMatchObject({ do: 'end', outcome: 'up to date' });
  });

  test('the page after is named with each page that is stored, so that it can be fetched ahead', () => {
    expect(last([...begun(), came(page(9, 2))])).toMatchObject({ do: 'store', ahead: { link: page(9, 2) } });
    expect(last([...begun(), came(delta(6))])).toMatchObject({ do: 'store', ahead: undefined });
  });

  test('a load that finds no place is put off, because the checkpoint says already that a load is due', () => {
    const events = [...begun(NEW_CHECKPOINT), { is: 'no-place' } as const];
    expect(last(events)).toEqual({ do: 'defer', forgetSelection: false });
    expect(last([...events, { is: 'deferred' }])).toMatchObject({ do: 'end', outcome: 'deferred' });
  });

  test('a load that an expired link makes due, and that finds no place, is put on record', () => {
    expect(last([...begun(), failed(EXPIRED), { is: 'no-place' }])).toEqual({
      do: 'defer',
      forgetSelection: true,
    });
  });

  test('a run stops for a pause after the page under way, and lets a page that ends the run end it', () => {
    const paused = failure('table-paused');
    const stored: RunEvent = { ...STORED, paused };
    expect(last([...begun(), came(page(6, 2)), stored])).toMatchObject({ do: 'end', failure: paused });
    expect(last([...begun(), came(delta(6)), stored])).toMatchObject({ do: 'end', outcome: 'up to date' });
  });

  test('a new baseline that is asked for during a run begins after the page under way, and its first page answers it', () => {
    const asked: RunEvent[] = [...begun(), came(page(6, 2)), { ...STORED, resync: 'now' }];
    expect(last(asked)).toMatchObject({ do: 'fetch', fetch: { link: null, loads: true } });
    expect(last([...asked, came(page(9, 2))])).toMatchObject({
      do: 'store',
      page: { begins: true, resync: 'now', from: { phase: 'rebaseline' } },
    });
    const second = [...asked, came(page(9, 2)), STORED, came(page(9, 3))];
    expect(last(second)).toMatchObject({ do: 'store', page: { begins: false } });
    expect(last(second)).not.toHaveProperty('page.resync');
    // The request stays in the state until then.
    expect(last([...asked, { is: 'no-place' }])).toEqual({ do: 'defer', forgetSelection: false });
  });

  test('a new baseline that waits begins with the run, also if another process has brought the table up to date', () => {
    const events: RunEvent[] = [
      { is: 'begun', canPoll: false },
      { is: 'acquired', checkpoint: DELTA, isCurrent: true, resync: 'before' },
      prepared(DELTA),
    ];
    expect(last(events)).toMatchObject({ do: 'fetch', fetch: { link: null, loads: true } });
    const again: RunEvent[] = [failed(failure('statement-failed')), prepared(DELTA)];
    expect(last([...events, ...again])).toMatchObject({ do: 'fetch', fetch: { link: null, loads: true } });
  });

  test('a run that was asked for a load begins it once, whatever it has to repair afterwards', () => {
    const asked = newRun('changes', true);
    const loading = steps(begun(), asked);
    expect(loading.at(-1)).toMatchObject({ do: 'fetch', fetch: { link: null, loads: true } });
    const walk = { ...DELTA, phase: 'rebaseline' as const, link: page(9, 2) };
    const repaired = [
      ...begun(),
      came(page(9, 2)),
      STORED,
      failed(failure('statement-failed')),
      prepared(walk),
    ];
    expect(last(repaired, asked)).toMatchObject({ do: 'fetch', fetch: { link: page(9, 2), loads: true } });
  });
});

describe('an environment that goes back in time', () => {
  test('a link that leads back is followed once more before anything is believed', () => {
    expect(last([...begun(), came(delta(3))])).toMatchObject({ do: 'fetch', fetch: { link: delta(5) } });
    expect(last([...begun(), came(delta(3)), came(delta(6))])).toMatchObject({ do: 'store' });
  });

  test('a link that leads back twice puts a re-baseline on record, and begins it', () => {
    const twice = [...begun(), came(delta(3)), came(delta(3))];
    const checkpoint = beginning('rebaseline', 'a', true);
    expect(last(twice)).toEqual({ do: 'look-around', checkpoint });
    expect(last([...twice, { is: 'looked-around' }])).toMatchObject({
      do: 'fetch',
      fetch: { link: null, loads: true },
    });
  });

  test('a load that begins behind the mirror makes up for it from its first page on', () => {
    const stored = { ...DELTA, selection: 'b' };
    const behind = [...begun({ ...stored, link: delta(99) }), came(page(9, 2))];
    expect(last(behind)).toMatchObject({ do: 'look-around', checkpoint: null });
    expect(last([...behind, { is: 'looked-around' }])).toMatchObject({
      do: 'store',
      page: { from: { phase: 'rebaseline', rewound: true }, begins: true },
    });
    expect(last([...begun(stored), came(page(9, 2), 50n)])).toMatchObject({ do: 'look-around' });
    expect(last([...begun(stored), came(page(9, 2), 9n)])).toMatchObject({ do: 'store' });
  });
});

describe('a snapshot', () => {
  const snapshot = newRun('snapshot', false);

  test('a snapshot stores neither link nor selection before its last page, which brings the sweep', () => {
    const stored = { ...DELTA, link: null };
    const first = [...begun(stored), came(page(1, 2))];
    expect(last(first, snapshot)).toMatchObject({
      do: 'store',
      page: {
        begins: true,
        finished: false,
        advance: { checkpoint: { link: null, selection: null }, sweep: false },
      },
    });
    expect(last([...first, STORED, came(null)], snapshot)).toMatchObject({
      do: 'store',
      ahead: undefined,
      page: {
        begins: false,
        finished: true,
        advance: { checkpoint: { phase: 'delta', link: null, selection: 'a' }, sweep: true },
      },
    });
    expect(last([...first, STORED, came(null), STORED], snapshot)).toMatchObject({ outcome: 'up to date' });
  });

  test('a snapshot whose links are refused begins again twice, and then fails', () => {
    const events = [...begun(), failed(EXPIRED), failed(EXPIRED), failed(EXPIRED)];
    expect(steps(events, snapshot).slice(-3)).toMatchObject([
      { do: 'fetch', fetch: { link: null } },
      { do: 'fetch', fetch: { link: null } },
      { do: 'end', failure: { code: 'link-keeps-expiring' } },
    ]);
  });
});

describe('a refused sweep', () => {
  const refused: RefusedSweep = {
    table: 'thing',
    unseen: 50,
    rows: 60,
    sample: [],
    checkpoint: { ...DELTA, phase: 'rebaseline', catchingUp: true, link: delta(6) },
  };
  const catchingUp: Checkpoint = { ...DELTA, phase: 'rebaseline', catchingUp: true };
  const events: RunEvent[] = [...begun(catchingUp), came(delta(6)), { ...STORED, refusedSweep: refused }];

  test('a refused sweep is examined before the run ends', () => {
    expect(last(events)).toEqual({ do: 'examine-sweep', refused, loadedIn: 'an earlier run' });
  });

  test('a load of an earlier run that turns out to be incomplete is loaded again at once', () => {
    expect(last([...events, failed(INCOMPLETE)])).toMatchObject({
      do: 'fetch',
      fetch: { link: null, loads: true },
    });
  });

  test('a refused sweep that waits for an approval ends the run', () => {
    const waits = failure('sweep-refused');
    expect(last([...events, failed(waits)])).toMatchObject({ do: 'end', failure: waits });
  });
});

describe('repairs', () => {
  test.each([
    ['is away', failure('database-unreachable'), 20],
    ['starts or recovers', failure('database-unavailable', { sqlstate: '57P03' }), 20],
    ['has no room', failure('database-unavailable', { sqlstate: '53100' }), 7],
  ])('a database that %s is waited for a fixed number of times in a row', (_, trouble, times) => {
    const again: RunEvent[] = [failed(trouble), { is: 'waited' }];
    const waits = [...begun(), ...Array.from({ length: times }, () => again).flat()];
    expect(last(waits)).toEqual({ do: 'acquire' });
    expect(last([...waits, failed(trouble)])).toMatchObject({ do: 'end', failure: { code: trouble.code } });
  });

  test.each([
    ['is away', failure('database-unreachable'), 20, 5_000],
    ['has no room', failure('database-unavailable', { sqlstate: '53100' }), 7, 40_000],
  ])('the waits for a database that %s are 45 to 90 s in all', (_, trouble, times, longest) => {
    const all = (random: number): number[] =>
      Array.from({ length: times }, (__, at) => databaseRest(trouble, at + 1, random));
    expect(Math.max(...all(1))).toBe(longest);
    expect(sum(all(0))).toBeGreaterThan(45_000);
    expect(sum(all(1))).toBeLessThan(91_000);
  });

  test('a database in trouble after a stored page is waited for as if for the first time', () => {
    const trouble = failed(failure('database-unavailable'));
    const progress = [came(page(9, 2)), STORED];
    const events = Array.from({ length: 20 }, () => [...begun(), ...progress, trouble]).flat();
    expect(last(events)).toMatchObject({ do: 'wait-for-database', attempt: 1 });
  });

  test('a link that was given up is followed and given up again after a wait for the database', () => {
    const refused = { ...DELTA, selection: null };
    const { failure: error, circumstances } = failed(REFUSED) as Extract<RunEvent, { is: 'failed' }>;
    const unchanged = { is: 'definition-read', changed: false, failure: error, circumstances } as const;
    const giveUp = [failed(REFUSED), unchanged, prepared(DELTA), failed(REFUSED), prepared(refused)];
    const trouble: RunEvent[] = [failed(failure('database-unavailable')), { is: 'waited' }];
    const again = [...begun(), ...giveUp, ...trouble, ...begun().slice(1), ...giveUp];
    expect(last(again)).toMatchObject({ do: 'fetch', fetch: { link: null, loads: true } });
  });

  test('a failure before the run reads anything never means a load', () => {
    const early = failed(EXPIRED, { isReading: false });
    expect(last([...begun().slice(0, 2), early])).toMatchObject({ do: 'end', failure: EXPIRED });
  });

  test('a load that has to begin again counts as begun once its first page has come', () => {
    const again = [...begun(), failed(EXPIRED)];
    expect(stateAfter([...again, { is: 'no-place' }])).toMatchObject({ phase: 'delta' });
    expect(stateAfter([...again, came(page(9, 2))])).toMatchObject({ phase: 'rebaseline' });
  });

  test('a statement that fails has the mirror table looked at once, under the lease', () => {
    const again = failed(failure('statement-failed'));
    expect(last([...begun(), again])).toEqual({ do: 'prepare', from: 'store', loadAnew: false });
    expect(last([...begun(), again, prepared(DELTA), again])).toMatchObject({ do: 'end', outcome: 'failed' });
    expect(last([{ is: 'begun', canPoll: true }, again])).toEqual({ do: 'acquire' });
  });

  test('too many bad rows have the table looked at again only where its metadata have changed', () => {
    const bad = failure('too-many-bad-rows');
    expect(last([...begun(), failed(bad)])).toMatchObject({ do: 'end', failure: bad });
    expect(last([...begun(), failed(bad, { metadataChanged: true })])).toMatchObject({ do: 'prepare' });
  });

  test('a refused link has the definition read, is followed once more, and then means a re-baseline', () => {
    const { failure: refused, circumstances } = failed(REFUSED) as Extract<RunEvent, { is: 'failed' }>;
    const unchanged = { is: 'definition-read', changed: false, failure: refused, circumstances } as const;
    const events = [...begun(), failed(REFUSED), unchanged, prepared(DELTA), failed(REFUSED)];
    expect(steps(events).slice(3)).toMatchObject([
      { do: 'read-definition' },
      { do: 'prepare', from: 'store', loadAnew: false },
      { do: 'fetch', fetch: { link: delta(5) } },
      { do: 'prepare', from: 'store', loadAnew: true },
    ]);
    const anew = { ...DELTA, selection: null };
    expect(last([...events, prepared(anew), failed(REFUSED)])).toMatchObject({ do: 'explain' });
  });

  test('a table that has changed under a refused link is re-baselined', () => {
    const { failure: refused, circumstances } = failed(REFUSED) as Extract<RunEvent, { is: 'failed' }>;
    const changed = { is: 'definition-read', changed: true, failure: refused, circumstances } as const;
    expect(last([...begun(), failed(REFUSED), changed])).toMatchObject({ do: 'prepare', loadAnew: true });
  });

  test('a column that is known to be refused explains a refusal at once', () => {
    expect(last([...begun(), failed(REFUSED, { columnsAreRefused: true })])).toMatchObject({ do: 'explain' });
  });

  test('a link that expires again and again means two re-baselines, and then a failure', () => {
    expect(steps([...begun(), failed(EXPIRED), failed(EXPIRED), failed(EXPIRED)]).slice(3)).toMatchObject([
      { do: 'fetch', fetch: { link: null, loads: true } },
      { do: 'fetch', fetch: { link: null, loads: true } },
      { do: 'end', failure: { code: 'link-keeps-expiring', reaction: 'retry' } },
    ]);
  });

  test('a failure that no rule mends ends the run unchanged', () => {
    const lost = failure('lease-lost');
    expect(last([...begun(), failed(lost)])).toMatchObject({ do: 'end', outcome: 'failed', failure: lost });
  });
});
