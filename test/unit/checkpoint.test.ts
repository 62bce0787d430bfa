import { expect, test } from 'vitest';
import {
  advance,
  beginning,
  isLoading,
  NEW_CHECKPOINT,
  type Checkpoint,
} from '../../src/model/checkpoint.ts';
import type { Link } from '../../src/model/page.ts';

const NEXT: Link = { kind: 'next', url: 'https://o/next' };
const DELTA: Link = { kind: 'delta', url: 'https://o/delta' };

/** The checkpoints, and where the sweep is due, after pages with these links. */
function follow(from: Checkpoint, links: readonly Link[]): { end: Checkpoint; sweeps: number[] } {
  let end = from;
  const sweeps: number[] = [];
  for (const [at, link] of links.entries()) {
    const step = advance(end, link);
    end = step.checkpoint;
    if (step.sweep) sweeps.push(at);
  }
  return { end, sweeps };
}

test('a baseline pages to its delta link and never sweeps', () => {
  const start = beginning('baseline', 'a,b');
  expect(follow(start, [NEXT, NEXT])).toEqual({ end: { ...start, link: NEXT }, sweeps: [] });
  expect(follow(start, [NEXT, DELTA, NEXT, DELTA, DELTA])).toEqual({
    end: { phase: 'delta', catchingUp: false, link: DELTA, selection: 'a,b', rewound: false },
    sweeps: [],
  });
});

test('a re-baseline sweeps once, with the last page of its first delta', () => {
  const start = beginning('rebaseline', 'a');
  expect(follow(start, [NEXT, DELTA])).toEqual({
    end: { ...start, catchingUp: true, link: DELTA },
    sweeps: [],
  });
  expect(follow(start, [NEXT, DELTA, NEXT, NEXT, DELTA, NEXT, DELTA])).toEqual({
    end: { phase: 'delta', catchingUp: false, link: DELTA, selection: 'a', rewound: false },
    sweeps: [4],
  });
});

test('a next link changes nothing but the position', () => {
  const checkpoints: Checkpoint[] = [
    beginning('baseline', 'a'),
    beginning('rebaseline', 'a'),
    { phase: 'rebaseline', catchingUp: true, link: DELTA, selection: 'a', rewound: false },
    { phase: 'delta', catchingUp: false, link: DELTA, selection: 'a', rewound: false },
  ];
  for (const from of checkpoints) {
    expect(advance(from, NEXT)).toEqual({ checkpoint: { ...from, link: NEXT }, sweep: false });
  }
});

test('a load is a baseline, or a re-baseline until its delta link', () => {
  const rebaseline = beginning('rebaseline', 'a');
  expect(isLoading(NEW_CHECKPOINT)).toBe(false);
  expect(isLoading(beginning('baseline', 'a'))).toBe(true);
  expect(isLoading(rebaseline)).toBe(true);
  expect(isLoading(advance(rebaseline, NEXT).checkpoint)).toBe(true);
  expect(isLoading(advance(rebaseline, DELTA).checkpoint)).toBe(false);
  expect(isLoading(advance(beginning('baseline', 'a'), DELTA).checkpoint)).toBe(false);
});

test('the checkpoint of a table never seen has no link and no selection', () => {
  expect(NEW_CHECKPOINT).toEqual({
    phase: 'new',
    catchingUp: false,
    link: null,
    selection: null,
    rewound: false,
  });
});
