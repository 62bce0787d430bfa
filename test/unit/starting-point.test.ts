import { expect, test } from 'vitest';
import { beginning, NEW_CHECKPOINT, type Checkpoint } from '../../src/model/checkpoint.ts';
import { resumed, startingPoint, type Surroundings } from '../../src/sync/run/starting-point.ts';

const link = { kind: 'next', url: 'https://o/next' } as const;
const STORED: readonly Checkpoint[] = [
  { phase: 'baseline', catchingUp: false, link, selection: 'a', rewound: false },
  { phase: 'delta', catchingUp: false, link, selection: 'a', rewound: false },
  { phase: 'rebaseline', catchingUp: false, link, selection: 'a', rewound: false },
  { phase: 'rebaseline', catchingUp: true, link, selection: 'a', rewound: false },
];

test('a table without a checkpoint begins a baseline, restarted or not', () => {
  expect(resumed(NEW_CHECKPOINT, 'a', { restart: false, hasRows: false })).toEqual(
    beginning('baseline', 'a'),
  );
  expect(resumed(NEW_CHECKPOINT, 'a', { restart: true, hasRows: false })).toEqual(beginning('baseline', 'a'));
});

test('a stored checkpoint of the same selection is where the run goes on', () => {
  for (const stored of STORED)
    expect(resumed(stored, 'a', { restart: false, hasRows: false })).toEqual(stored);
});

test('another selection means a re-baseline for that selection', () => {
  for (const stored of STORED)
    expect(resumed(stored, 'a,b', { restart: false, hasRows: false })).toEqual(
      beginning('rebaseline', 'a,b'),
    );
});

test('a restart is a re-baseline, whatever is stored', () => {
  for (const stored of STORED)
    expect(resumed(stored, 'a', { restart: true, hasRows: false })).toEqual(beginning('rebaseline', 'a'));
});

test('a load that stored no page begins again as what it was', () => {
  const baseline = beginning('baseline', 'a');
  const rebaseline = beginning('rebaseline', 'a');
  expect(resumed(baseline, 'a', { restart: false, hasRows: false })).toEqual(baseline);
  expect(resumed(rebaseline, 'a', { restart: false, hasRows: false })).toEqual(rebaseline);
});

const FITS: Surroundings = {
  mode: 'changes',
  selection: 'a',
  entitySet: 'things',
  created: false,
  refills: false,
  hasRows: true,
  hasSeenKeys: true,
  isVirtual: false,
  linkAge: 1_000,
  linkLifeDays: 7,
  restart: false,
};
const DAY = 86_400_000;
const deltaLink = { kind: 'delta', url: 'https://o/api/data/v9.2/things?$deltatoken=1' } as const;
const nextLink = { kind: 'next', url: 'https://o/api/data/v9.2/things?$skiptoken=1' } as const;
const DELTA: Checkpoint = {
  phase: 'delta',
  catchingUp: false,
  link: deltaLink,
  selection: 'a',
  rewound: false,
};

test('a stored link that belongs to the table is followed', () => {
  expect(startingPoint(DELTA, FITS)).toEqual({ checkpoint: DELTA });
});

test('a stored link of another table means a re-baseline, and a warning', () => {
  expect(startingPoint(DELTA, { ...FITS, entitySet: 'others' })).toEqual({
    checkpoint: beginning('rebaseline', 'a'),
    warning: 'The stored link does not belong to this table; the table is re-baselined.',
  });
});

test('pages that were under way for longer than deletions are kept mean a re-baseline, and a warning', () => {
  const walk = { ...DELTA, link: nextLink };
  expect(startingPoint(walk, { ...FITS, linkAge: 8 * DAY })).toEqual({
    checkpoint: beginning('rebaseline', 'a'),
    warning: 'The pages that were under way are older than deletions are kept; the table is re-baselined.',
  });
  expect(startingPoint(walk, { ...FITS, linkAge: 8 * DAY, linkLifeDays: 30 })).toEqual({ checkpoint: walk });
  expect(startingPoint(walk, { ...FITS, linkAge: null })).toEqual({ checkpoint: walk });
});

test('a delta link of any age is followed, because the environment refuses it by itself', () => {
  expect(startingPoint(DELTA, { ...FITS, linkAge: 400 * DAY })).toEqual({ checkpoint: DELTA });
});

test('a mirror table that was created means a baseline, whatever is stored', () => {
  expect(startingPoint(DELTA, { ...FITS, created: true, hasRows: false })).toEqual({
    checkpoint: beginning('baseline', 'a'),
  });
});

test('columns that have to be filled, or lost keys of a re-baseline, mean a re-baseline', () => {
  const under = { ...DELTA, phase: 'rebaseline' as const };
  const anew = { checkpoint: beginning('rebaseline', 'a') };
  expect(startingPoint(DELTA, { ...FITS, refills: true })).toEqual(anew);
  expect(startingPoint(under, { ...FITS, hasSeenKeys: false })).toEqual(anew);
  expect(startingPoint(under, FITS)).toEqual({ checkpoint: under });
});

test('a snapshot begins from scratch, and replaces rows of any version', () => {
  for (const hasRows of [true, false]) {
    expect(startingPoint(DELTA, { ...FITS, mode: 'snapshot', hasRows })).toEqual({
      checkpoint: beginning(hasRows ? 'rebaseline' : 'baseline', 'a', true),
    });
  }
});
