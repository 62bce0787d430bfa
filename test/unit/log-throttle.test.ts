import * as fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { LogThrottle, occurred, QUIET, type Trouble } from '../../src/log/log-throttle.ts';

const WARN = 40;
const ERROR = 50;

interface Line {
  readonly level: number;
  readonly untold?: number;
  readonly seconds?: number;
}

/** A throttle whose clock is set by hand, with the lines that are louder than `debug`. */
function throttled(quiet = QUIET) {
  const clock = { now: 0 };
  const lines: Line[] = [];
  const logger = pino(
    { level: 'info', base: null, timestamp: false },
    { write: (line: string) => void lines.push(JSON.parse(line) as Line) },
  );
  return { throttle: new LogThrottle(logger, { quiet, now: () => clock.now }), clock, lines };
}

/** Moments, in seconds, of the occurrences that have a line when one comes every so many seconds. */
function toldAt(every: number, until: number): number[] {
  let trouble: Trouble | undefined;
  const told: number[] = [];
  for (let now = 0; now <= until; now += every) {
    const occurrence = occurred(trouble, now * 1_000);
    ({ trouble } = occurrence);
    if (occurrence.isTold) told.push(now);
  }
  return told;
}

test('a trouble that goes on has a line at growing distance', () => {
  expect(toldAt(1, 1_000)).toEqual([0, 60, 120, 240, 480, 960]);
});

test('a trouble that goes on for days has a line every hour', () => {
  const hours = toldAt(60, 3 * 24 * 3_600).map((at) => at / 3_600);
  expect(hours.length).toBeLessThan(80);
  expect(hours.at(-1)).toBeGreaterThan(71);
});

test('a trouble is news again after some quiet, and a trouble of another kind always is', () => {
  const { throttle, clock, lines } = throttled();
  for (const about of ['503', '429', '503']) throttle.tell(about, {}, about);
  expect(lines).toMatchObject([{ msg: '503' }, { msg: '429' }]);
  clock.now = QUIET + 1;
  throttle.tell('503', {}, '503');
  expect(lines.at(-1)).toEqual({ level: WARN, untold: 1, seconds: 0, msg: '503' });
});

test('a line counts the occurrences that had no line of their own', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 2 * QUIET }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (rests) => {
      let trouble: Trouble | undefined;
      let now = 0;
      let untold = 0;
      for (const rest of rests) {
        now += rest;
        const occurrence = occurred(trouble, now);
        ({ trouble } = occurrence);
        expect(occurrence.untold).toBe(untold);
        untold = occurrence.isTold ? 0 : untold + 1;
      }
    }),
  );
});

test('a line that stands for itself alone has no fields for others', () => {
  const { throttle, clock, lines } = throttled();
  throttle.tell('503', { status: 503 }, 'Refused.');
  expect(lines).toEqual([{ level: WARN, status: 503, msg: 'Refused.' }]);
  clock.now = 60_000;
  throttle.tell('503', { status: 503 }, 'Refused.');
  expect(lines.at(-1)).toEqual({ level: WARN, status: 503, msg: 'Refused.' });
});

test('the level of a line may follow from how long the trouble has lasted', () => {
  const { throttle, clock, lines } = throttled();
  const tell = (): void => throttle.tell('', {}, 'Down.', (age) => (age < QUIET ? 'warn' : 'error'));
  for (; clock.now <= 2 * QUIET; clock.now += 1_000) tell();
  expect(lines.map(({ level }) => level)).toEqual([WARN, WARN, WARN, WARN, ERROR]);
});

test('a trouble that is over has lasted since its first occurrence, and is news when it comes again', () => {
  const { throttle, clock, lines } = throttled(Infinity);
  expect(throttle.over()).toBeUndefined();
  for (const about of ['refused', 'unreachable', 'refused']) {
    throttle.tell(about, {}, about);
    clock.now += 10 * QUIET;
  }
  expect(throttle.over()).toBe((30 * QUIET) / 1_000);
  expect(throttle.over()).toBeUndefined();
  const before = lines.length;
  throttle.tell('refused', {}, 'refused');
  expect(lines).toHaveLength(before + 1);
});
