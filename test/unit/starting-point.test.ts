import { expect, test } from 'vitest';
import { beginning, NEW_CHECKPOINT, type Checkpoint } from '../../src/model/checkpoint.ts';
import { startingPoint } from '../../src/sync/run/starting-point.ts';

const link = { kind: 'next', url: 'https://o/next' } as const;
const STORED: readonly Checkpoint[] = [
  { phase: 'baseline', catchingUp: false, link, selection: 'a', rewound: false },
  { phase: 'delta', catchingUp: false, link, selection: 'a', rewound: false },
  { phase: 'rebaseline', catchingUp: false, link, selection: 'a', rewound: false },
  { phase: 'rebaseline', catchingUp: true, link, selection: 'a', rewound: false },
];

test('a table without a checkpoint begins a baseline, restarted or not', () => {
  expect(startingPoint(NEW_CHECKPOINT, 'a', { restart: false, hasRows: false })).toEqual(
    beginning('baseline', 'a'),
  );
  expect(startingPoint(NEW_CHECKPOINT, 'a', { restart: true, hasRows: false })).toEqual(
    beginning('baseline', 'a'),
  );
});

test('a stored checkpoint of the same selection is where the run goes on', () => {
  for (const stored of STORED)
    expect(startingPoint(stored, 'a', { restart: false, hasRows: false })).toEqual(stored);
});

test('another selection means a re-baseline for that selection', () => {
  for (const stored of STORED)
    expect(startingPoint(stored, 'a,b', { restart: false, hasRows: false })).toEqual(
      beginning('rebaseline', 'a,b'),
    );
});

test('a restart is a re-baseline, whatever is stored', () => {
  for (const stored of STORED)
    expect(startingPoint(stored, 'a', { restart: true, hasRows: false })).toEqual(
      beginning('rebaseline', 'a'),
    );
});

test('a load that stored no page begins again as what it was', () => {
  const baseline = beginning('baseline', 'a');
  const rebaseline = beginning('rebaseline', 'a');
  expect(startingPoint(baseline, 'a', { restart: false, hasRows: false })).toEqual(baseline);
  expect(startingPoint(rebaseline, 'a', { restart: false, hasRows: false })).toEqual(rebaseline);
});
