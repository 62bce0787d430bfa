import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterBegin,
  afterEnd,
  afterNudge,
  afterRefusal,
  afterWait,
  nextPoll,
  NO_NUDGE,
  type NudgePlan,
} from '../../src/sync/nudges/nudge-plan.ts';

const after = (plan: NudgePlan, begunAt: number, outcome: 'changes' | 'nothing' | 'unknown'): NudgePlan =>
  afterEnd(afterBegin(plan), { begunAt, outcome });

test('a poll comes one second after the first of several nudges', () => {
  const plan = [100, 200, 900].reduce(afterNudge, NO_NUDGE);
  expect(nextPoll(plan)).toMatchObject({ at: 1_100, isCheck: false });
  expect(nextPoll(NO_NUDGE)).toBeUndefined();
});

test('a poll that brought changes answers the nudges that came before it', () => {
  expect(nextPoll(after(afterNudge(NO_NUDGE, 0), 1_000, 'changes'))).toBeUndefined();
});

test('a poll that brought nothing is followed by a poll after two seconds and by one after ten', () => {
  const empty = after(afterNudge(NO_NUDGE, 0), 1_000, 'nothing');
  expect(nextPoll(empty)).toMatchObject({ at: 3_000, isCheck: true });
  const again = after(empty, 3_000, 'nothing');
  expect(nextPoll(again)).toMatchObject({ at: 11_000, isCheck: true });
  expect(nextPoll(after(again, 11_000, 'nothing'))).toBeUndefined();
  expect(nextPoll(after(again, 11_000, 'changes'))).toBeUndefined();
});

test('a nudge that came just before a poll with changes is checked once more', () => {
  const plan = after([0, 900].reduce(afterNudge, NO_NUDGE), 1_000, 'changes');
  expect(nextPoll(plan)).toMatchObject({ at: 6_000, isCheck: true });
  expect(nextPoll(after(plan, 6_000, 'nothing'))).toBeUndefined();
});

test('a nudge during a run is answered by a poll of its own', () => {
  const running = afterNudge(afterBegin(afterNudge(NO_NUDGE, 0)), 1_050);
  expect(nextPoll(running)).toBeUndefined();
  const ended = afterEnd(running, { begunAt: 1_000, outcome: 'changes' });
  expect(nextPoll(ended)).toMatchObject({ at: 2_050, isCheck: false });
});

test('a failed run ends the plan, and nudges do not make the table fail more often', () => {
  expect(nextPoll(after(afterNudge(NO_NUDGE, 0), 1_000, 'unknown'))).toBeUndefined();
  expect(nextPoll(afterRefusal(afterNudge(NO_NUDGE, 0)))).toBeUndefined();
});

test('a run of the schedule that found nothing leaves the checks as they are', () => {
  const empty = after(afterNudge(NO_NUDGE, 0), 1_000, 'nothing');
  expect(after(empty, 2_500, 'nothing').checks).toEqual([3_000, 11_000]);
});

test('a poll that must wait comes no sooner, and keeps its nudges', () => {
  const waiting = afterWait(afterNudge(NO_NUDGE, 0), 4_000);
  expect(nextPoll(waiting)).toMatchObject({ at: 4_000, isCheck: false });
});

test('every nudge is followed by a run that begins after it, whatever comes in between', () => {
  const outcome = constantFrom('changes' as const, 'nothing' as const);
  const step = record({ wait: integer({ min: 1, max: 8_000 }), nudged: boolean(), outcome });
  assert(
    property(array(step, { maxLength: 40 }), (steps) => {
      let plan = NO_NUDGE;
      let time = 0;
      let unanswered: number | undefined;
      let longest = 0;
      const poll = (until: number, ends: 'changes' | 'nothing'): void => {
        for (let next = nextPoll(plan); next !== undefined && next.at <= until; next = nextPoll(plan)) {
          plan = after(plan, next.at, ends);
          unanswered = undefined;
        }
      };
      for (const { wait, nudged, outcome: ends } of steps) {
        poll(time + wait, ends);
        time += wait;
        if (nudged) {
          plan = afterNudge(plan, time);
          unanswered ??= time;
        }
        longest = Math.max(longest, time - (unanswered ?? time));
      }
      poll(time + 1_000, 'changes');
      expect([unanswered, longest <= 1_000]).toEqual([undefined, true]);
    }),
  );
});
