import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginning, type Checkpoint } from '../../src/model/checkpoint.ts';
import type { Link } from '../../src/model/page.ts';
import { afterPage, NEW_READING, type ReadingStep } from '../../src/sync/run/reading.ts';

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

/** Pages with these links, one after the other, from a checkpoint on; what the last one came to. */
function read(from: Checkpoint, ...links: readonly Link[]): ReadingStep {
  let step: ReadingStep = { checkpoint: from, sweep: false, repeats: false, reading: NEW_READING };
  for (const link of links) step = afterPage(step.reading, step.checkpoint, link);
  return step;
}

test('a delta whose link stands for its first page is read once', () => {
  expect(read(at(delta(5)), next(9, 2))).toMatchObject({ repeats: false });
  expect(read(at(delta(5)), next(9, 2), delta(9))).toMatchObject({
    repeats: false,
    checkpoint: { link: delta(9) },
  });
});

test('a delta whose link stands for its last page is read twice, and goes on from the first reading', () => {
  const first = [next(9, 2), delta(12)];
  expect(read(at(delta(5)), ...first)).toMatchObject({
    repeats: true,
    sweep: false,
    checkpoint: at(delta(5)),
  });
  expect(read(at(delta(5)), ...first, next(13, 2), delta(20))).toMatchObject({
    repeats: false,
    checkpoint: { link: delta(12) },
  });
});

test('the delta after a delta that was read twice may be read twice as well', () => {
  const links = [next(9, 2), delta(12), delta(13), next(14, 2), delta(15)];
  expect(read(at(delta(5)), ...links)).toMatchObject({ repeats: true, checkpoint: { link: delta(12) } });
});

test('a delta that an earlier run began is made up for by a re-baseline', () => {
  const { checkpoint, repeats, reading } = read(at(next(9, 3)), delta(12));
  expect(repeats).toBe(true);
  expect(checkpoint).toMatchObject({ phase: 'rebaseline', catchingUp: false, link: null, selection: 'a' });
  expect(reading).toEqual(NEW_READING);
});

test('the sweep of a re-baseline waits for the second reading of its first delta', () => {
  const from: Checkpoint = { ...at(delta(5)), phase: 'rebaseline', catchingUp: true };
  const first = [next(9, 2), delta(12)];
  expect(read(from, ...first)).toMatchObject({
    repeats: true,
    sweep: false,
    checkpoint: { catchingUp: true },
  });
  expect(read(from, ...first, delta(13))).toMatchObject({ sweep: true, checkpoint: { phase: 'delta' } });
});

test('a load whose link stands for its last page is read twice, and its first delta follows the first link', () => {
  const from = beginning('baseline', 'a');
  const first = [next(9, 2), delta(12)];
  expect(read(from, ...first)).toMatchObject({ repeats: true, checkpoint: beginning('rebaseline', 'a') });
  expect(read(from, ...first, next(13, 2), delta(20))).toMatchObject({
    repeats: false,
    checkpoint: { phase: 'rebaseline', catchingUp: true, link: delta(12) },
  });
});

test('a load of one page is read once', () => {
  expect(read(beginning('baseline', 'a'), delta(9))).toMatchObject({
    repeats: false,
    checkpoint: { phase: 'delta', link: delta(9) },
  });
});

test('a reading is repeated once at most, whatever its links say', () => {
  const version = fc.integer({ min: 1, max: 99 });
  const link = fc.oneof(
    version.map(delta),
    version.map((number) => next(number, 2)),
  );
  fc.assert(
    fc.property(fc.array(link, { maxLength: 30 }), fc.boolean(), (links, loads) => {
      let step: ReadingStep = {
        checkpoint: loads ? beginning('baseline', 'a') : at(delta(5)),
        sweep: false,
        repeats: false,
        reading: NEW_READING,
      };
      const repeats = links.flatMap((one) => {
        step = afterPage(step.reading, step.checkpoint, one);
        return one.kind === 'delta' ? [step.repeats] : [];
      });
      const twice = repeats.filter((isRepeated, number) => isRepeated && repeats[number - 1] === true);
      expect(twice).toEqual([]);
    }),
  );
});
