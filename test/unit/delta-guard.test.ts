import { expect, test } from 'vitest';
import type { Checkpoint } from '../../src/model/checkpoint.ts';
import type { Link } from '../../src/model/page.ts';
import { DeltaGuard } from '../../src/sync/run/delta-guard.ts';

const delta = (version: number): Link => ({
  kind: 'delta',
  url: `https://org/things?$deltatoken=${version}%2108%2f22%2f2017%2008%3a10%3a44`,
});

const next = (version: number, page: number): Link => ({
  kind: 'next',
  url: `https://org/things?$skiptoken=<cookie page="${page}" maxTimestamp="${version}"/>`,
});

const at = (link: Link): Checkpoint => ({
  phase: 'delta',
  catchingUp: false,
  link,
  selection: 'a',
  rewound: false,
});

test('a delta whose link stands for its first page is read once', () => {
  const guard = new DeltaGuard();
  expect(guard.after(at(delta(5)), next(9, 2))).toMatchObject({ repeats: false });
  expect(guard.after(at(next(9, 2)), delta(9))).toMatchObject({
    repeats: false,
    checkpoint: { link: delta(9) },
  });
});

test('a delta whose link stands for its last page is read twice, and goes on from the first reading', () => {
  const guard = new DeltaGuard();
  guard.after(at(delta(5)), next(9, 2));
  const again = guard.after(at(next(9, 2)), delta(12));
  expect(again).toMatchObject({ repeats: true, sweep: false, checkpoint: at(delta(5)) });
  guard.after(again.checkpoint, next(13, 2));
  expect(guard.after(at(next(13, 2)), delta(20))).toMatchObject({
    repeats: false,
    checkpoint: { link: delta(12) },
  });
});

test('the delta after one that was read twice is guarded anew', () => {
  const guard = new DeltaGuard();
  guard.after(at(delta(5)), next(9, 2));
  guard.after(at(next(9, 2)), delta(12));
  guard.after(at(delta(5)), delta(13));
  guard.after(at(delta(12)), next(14, 2));
  expect(guard.after(at(next(14, 2)), delta(15))).toMatchObject({
    repeats: true,
    checkpoint: { link: delta(12) },
  });
});

test('a delta that an earlier process began is made up for by a re-baseline', () => {
  const { checkpoint, repeats } = new DeltaGuard().after(at(next(9, 3)), delta(12));
  expect(repeats).toBe(true);
  expect(checkpoint).toMatchObject({ phase: 'rebaseline', catchingUp: false, link: null, selection: 'a' });
});

test('the sweep of a re-baseline waits for the second reading of its first delta', () => {
  const guard = new DeltaGuard();
  const from: Checkpoint = { ...at(delta(5)), phase: 'rebaseline', catchingUp: true };
  guard.after(from, next(9, 2));
  const again = guard.after({ ...from, link: next(9, 2) }, delta(12));
  expect(again).toMatchObject({ repeats: true, sweep: false, checkpoint: { catchingUp: true } });
  expect(guard.after(again.checkpoint, delta(13))).toMatchObject({
    sweep: true,
    checkpoint: { phase: 'delta' },
  });
});
