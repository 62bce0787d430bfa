import { array, assert, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import { createChangeGate } from '../../src/dataverse/metadata/changes/change-gate.ts';

/** A gate on a clock of its own, and when its work was done. */
class Bench {
  time = 0;
  readonly done: number[] = [];
  readonly call = createChangeGate(() => this.done.push(this.time), {
    now: () => this.time,
    later: (work, milliseconds) => this.timers.push({ at: this.time + milliseconds, work }),
  });
  private timers: { readonly at: number; readonly work: () => void }[] = [];

  /** Lets time pass, and what falls due meanwhile happen. */
  until(time: number): void {
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= time).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = due.at;
      due.work();
    }
    this.time = time;
  }
}

it('changes now and then are acted on at once', () => {
  const bench = new Bench();
  const times = [0, 1_000, 2_000, 90_000, 91_000, 200_000];
  for (const time of times) {
    bench.until(time);
    bench.call();
  }
  expect(bench.done).toEqual(times);
});

it('a solution import of ten minutes is acted on a few times at first, and then once every half minute', () => {
  const bench = new Bench();
  for (let time = 0; time < 600_000; time += 100) {
    bench.until(time);
    bench.call();
  }
  bench.until(700_000);
  expect(bench.done.slice(0, 6)).toEqual([0, 100, 200, 300, 400, 30_000]);
  expect(bench.done).toHaveLength(25);
});

it('the last change is acted on within half a minute, whatever comes when', () => {
  const gaps = array(integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 60 });
  assert(
    property(gaps, (waits) => {
      const bench = new Bench();
      for (const wait of waits) {
        bench.until(bench.time + wait);
        bench.call();
      }
      const last = bench.time;
      bench.until(last + 30_001);
      expect(bench.done.at(-1)).toBeGreaterThanOrEqual(last);
    }),
  );
});
