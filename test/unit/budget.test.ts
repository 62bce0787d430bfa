import { expect, test, vi } from 'vitest';
import { BudgetUnderTest, pass, TURN, useFakeClock } from './budget-clock.ts';

useFakeClock();

test('a pause holds every waiting request, and those that come meanwhile', async () => {
  const tested = new BudgetUnderTest({ concurrency: 4 });
  tested.budget.throttle(17_000);
  void tested.requests(6);
  await pass(10_000);
  void tested.requests(6, { priority: 'metadata' });
  await pass(6_999);
  expect(tested.starts).toEqual([]);
  await pass(1_000);
  expect(tested.starts).toHaveLength(12);
  expect(Math.min(...tested.starts.map(({ at }) => at))).toBe(17_000 + TURN);
  tested.close();
});

test('a pause that comes while requests wait holds them too, and the longest of two pauses counts', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1 });
  void tested.request('first', { duration: 1_000 });
  void tested.requests(3);
  await pass(500);
  tested.budget.throttle(20_000);
  tested.budget.throttle(5_000);
  await pass(19_999);
  expect(tested.names).toEqual(['first']);
  await pass(1 + TURN);
  expect(tested.starts).toHaveLength(2);
  expect(tested.budget.gauges).toMatchObject({ throttled: 2, throttledUntil: 20_500 });
  tested.close();
});

test('metadata goes before deltas and deltas before baselines that asked earlier', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1 });
  void tested.request('running');
  void tested.request('baseline 1', { priority: 'baseline' });
  void tested.request('baseline 2', { priority: 'baseline' });
  void tested.request('delta 1', { priority: 'delta' });
  void tested.request('metadata', { priority: 'metadata' });
  void tested.request('delta 2', { priority: 'delta' });
  await pass(1_000);
  expect(tested.names).toEqual(['running', 'metadata', 'delta 1', 'delta 2', 'baseline 1', 'baseline 2']);
  tested.close();
});

test('the number of requests in flight never exceeds the concurrency', async () => {
  const tested = new BudgetUnderTest({ concurrency: 3 });
  void tested.requests(20, { duration: 100 });
  await pass(10_000);
  expect(tested.starts).toHaveLength(20);
  expect(tested.mostInFlight).toBe(3);
  tested.close();
});

test('an aborted waiter rejects at once with the reason and never starts', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1 });
  const controller = new AbortController();
  const reason = new Error('stopping');
  void tested.request('running', { duration: 60_000 });
  const waiting = tested.request('waiting', { signal: controller.signal });
  await pass(10);
  controller.abort(reason);
  expect(await waiting).toBe(reason);
  void tested.request('after');
  await pass(70_000);
  expect(tested.names).toEqual(['running', 'after']);
  tested.close();
});

test('an abort ends the wait of a pause', async () => {
  const tested = new BudgetUnderTest();
  const controller = new AbortController();
  tested.budget.throttle(3_600_000);
  const waiting = tested.requests(3, { signal: controller.signal });
  await pass(1_000);
  controller.abort(new Error('stopping'));
  expect(await Promise.all(waiting)).toMatchObject([1, 2, 3].map(() => ({ message: 'stopping' })));
  expect(tested.starts).toEqual([]);
  tested.close();
});

test('a signal already aborted starts nothing', async () => {
  const tested = new BudgetUnderTest();
  const reason = new Error('too late');
  expect(await tested.request('never', { signal: AbortSignal.abort(reason) })).toBe(reason);
  await pass(1_000);
  expect(tested.starts).toEqual([]);
  tested.close();
});

test('a request that is aborted while it waits leaves its share to the others', async () => {
  // Two may go at once, and two more come back in five minutes.
  const tested = new BudgetUnderTest({ concurrency: 1, requestsPer5Minutes: 4 });
  const controller = new AbortController();
  void tested.request('running', { duration: 1_000 });
  void tested.request('aborted', { signal: controller.signal });
  void tested.request('after');
  await pass(10);
  controller.abort(new Error('stopping'));
  await pass(1_000);
  expect(tested.names).toEqual(['running', 'after']);
  tested.close();
});

test('a delta that comes during a pause goes before baselines that wait already', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1 });
  tested.budget.throttle(1_000);
  void tested.request('baseline 1', { priority: 'baseline' });
  void tested.request('baseline 2', { priority: 'baseline' });
  await pass(500);
  void tested.request('delta', { priority: 'delta' });
  await pass(1_000);
  expect(tested.names).toEqual(['delta', 'baseline 1', 'baseline 2']);
  tested.close();
});

test('a pause that begins when turns have been given holds these requests too, and keeps their priority', async () => {
  const tested = new BudgetUnderTest({ concurrency: 2 });
  void tested.request('delta', { priority: 'delta' });
  void tested.request('baseline', { priority: 'baseline' });
  // Both have their turn now, but have not started: that takes a timer.
  for (let step = 0; step < 100; step++) await Promise.resolve();
  tested.budget.throttle(1_000);
  void tested.request('metadata', { priority: 'metadata' });
  await pass(999);
  expect(tested.names).toEqual([]);
  await pass(100);
  expect(tested.names).toEqual(['metadata', 'delta', 'baseline']);
  tested.close();
});

test('a long pause fills the burst no further than a rest does', async () => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 100, concurrency: 1_000 });
  tested.budget.throttle(3_600_000);
  void tested.requests(100);
  await pass(3_600_500);
  expect(tested.starts).toHaveLength(50);
  tested.close();
});

/** How many timers keep the process alive. */
function timersAlive(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

test('no timer of a closed budget keeps the process alive', async () => {
  vi.useRealTimers();
  const before = timersAlive();
  const tested = new BudgetUnderTest({}, { now: () => performance.now() });
  tested.budget.throttle(3_600_000);
  void tested.requests(3);
  await new Promise(setImmediate);
  expect(timersAlive()).toBeGreaterThan(before);
  tested.close();
  await new Promise(setImmediate);
  expect(timersAlive()).toBe(before);
});

test('requests take their turns where every random number is the same', async () => {
  using _ = vi.spyOn(Math, 'random').mockReturnValue(0);
  const tested = new BudgetUnderTest({ concurrency: 3 });
  void tested.requests(20);
  await pass(1_000);
  expect(tested.starts).toHaveLength(20);
  expect(tested.mostInFlight).toBe(3);
  tested.close();
});

test('a request that fails frees its place and gives its error', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1 });
  const { signal } = new AbortController();
  const error = new Error('refused');
  const failing = tested.budget.spend('delta', signal, async () => Promise.reject(error)).catch(String);
  void tested.request('next');
  await pass(100);
  expect(await failing).toBe('Error: refused');
  expect(tested.names).toEqual(['next']);
  tested.close();
});

test('requests that end in any five minutes took less than twenty minutes together', async () => {
  const tested = new BudgetUnderTest({ concurrency: 8 });
  void tested.requests(100, { duration: 60_000 });
  await pass(3_600_000);
  expect(tested.starts).toHaveLength(100);
  const ends = tested.starts.map(({ at }) => at + 60_000);
  const busiest = Math.max(
    ...ends.map((from) => ends.filter((end) => end >= from && end < from + 300_000).length),
  );
  expect(busiest * 60_000).toBeLessThanOrEqual(1_200_000);
  tested.close();
});

test('the values of the headers are kept, in the forms that a live environment writes', () => {
  const { budget } = new BudgetUnderTest();
  const headers = new Headers({
    'x-ms-dop-hint': '48',
    'x-ms-ratelimit-time-remaining-xrm-requests': '1,200.00',
  });
  headers.append('x-ms-ratelimit-burst-remaining-xrm-requests', '5999');
  headers.append('x-ms-ratelimit-burst-remaining-xrm-requests', '5998');
  budget.observe(headers);
  budget.observe(new Headers({ 'x-ms-dop-hint': 'many' }));
  expect(budget.gauges).toMatchObject({
    parallelismHint: 48,
    remainingSeconds: 1_200,
    remainingRequests: 5_999,
  });
});

test('a pause halves the concurrency, once however many requests were refused in it', async () => {
  const tested = new BudgetUnderTest({ concurrency: 8 });
  for (let refusals = 0; refusals < 8; refusals++) tested.budget.throttle(1_000);
  void tested.requests(40, { duration: 500 });
  await pass(3_000);
  expect(tested.mostInFlight).toBe(4);
  expect(tested.budget.gauges).toMatchObject({ throttled: 8, concurrency: 4 });
  tested.close();
});

test('requests that were admitted before a pause keep to the concurrency after it', async () => {
  const tested = new BudgetUnderTest({ concurrency: 8 });
  tested.budget.throttle(1_000);
  void tested.requests(8, { duration: 500 });
  await pass(1_000);
  tested.budget.throttle(1_000);
  tested.mostInFlight = tested.inFlight = 0;
  await pass(1_100);
  expect(tested.mostInFlight).toBeLessThanOrEqual(2);
  await pass(10_000);
  expect(tested.starts).toHaveLength(8);
  tested.close();
});

test('the concurrency comes back by one every ten seconds after a pause', async () => {
  const tested = new BudgetUnderTest({ concurrency: 4, requestsPer5Minutes: 100_000 });
  tested.budget.throttle(60_000);
  void tested.requests(2_000, { duration: 100 });
  await pass(60_500);
  expect(tested.mostInFlight).toBe(2);
  await pass(9_000);
  expect(tested.mostInFlight).toBe(2);
  await pass(2_000);
  expect(tested.mostInFlight).toBe(3);
  await pass(9_000);
  expect(tested.mostInFlight).toBe(4);
  tested.close();
});

test('the callback onThrottle is called for a pause, and again when the pause becomes longer', async () => {
  const told: number[] = [];
  const tested = new BudgetUnderTest({}, { onThrottle: (milliseconds) => void told.push(milliseconds) });
  tested.budget.throttle(300_000);
  await pass(10_000);
  tested.budget.throttle(20_000);
  tested.budget.throttle(300_000);
  expect(told).toEqual([300_000, 300_000]);
  tested.close();
});

test('the burst is refilled after a pause as before', async () => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 600, concurrency: 8 });
  tested.budget.throttle(1_000);
  void tested.requests(600, { duration: 1 });
  await pass(10_000);
  expect(tested.starts.length).toBeLessThan(330);
  await pass(300_000);
  expect(tested.starts).toHaveLength(600);
  tested.close();
});

test('a wall clock that is set back by hours stops no refill', async () => {
  let setBack = 0;
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 60 }, { now: () => Date.now() + setBack });
  void tested.requests(60, { duration: 1 });
  await pass(1_000);
  setBack = 7_200_000;
  vi.setSystemTime(Date.now() - setBack);
  await pass(310_000);
  expect(tested.starts).toHaveLength(60);
  tested.close();
});

test('a request that hangs holds the others only until the concurrency grows again', async () => {
  const tested = new BudgetUnderTest({ concurrency: 2 });
  tested.budget.throttle(1_000);
  void tested.request('hangs', { duration: 100_000 });
  void tested.request('waits');
  await pass(10_999);
  expect(tested.names).toEqual(['hangs']);
  await pass(1 + TURN);
  expect(tested.names).toEqual(['hangs', 'waits']);
  tested.close();
});

test('limits that change hold for the requests that wait, and the requests before the change count', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1, requestsPer5Minutes: 100 });
  void tested.requests(200, { duration: 100 });
  await pass(1_000);
  expect(tested.mostInFlight).toBe(1);
  tested.budget.change({ concurrency: 4, requestsPer5Minutes: 20 });
  await pass(2_000);
  expect(tested.mostInFlight).toBe(4);
  await pass(290_000);
  expect(tested.starts).toHaveLength(20);
  tested.budget.change({ concurrency: 4, requestsPer5Minutes: 10_000 });
  await pass(60_000);
  expect(tested.starts).toHaveLength(200);
  expect(tested.budget.gauges.concurrency).toBe(4);
  tested.close();
});

test('loads and verification wait while the requests of a day are spent, and deltas and metadata go on', async () => {
  const tested = new BudgetUnderTest({ concurrency: 1 });
  tested.budget.endDayAfter(1);
  for (const priority of ['baseline', 'verification', 'baseline', 'delta', 'metadata'] as const) {
    void tested.request(priority, { priority });
  }
  await pass(1_000);
  // The request that came first was the one that the day had left, and the others met a spent day in the line.
  expect(tested.names).toEqual(['baseline', 'metadata', 'delta']);
  expect(tested.budget.isDaySpent()).toBe(true);
  tested.budget.endDayAfter(1);
  await pass(1_000);
  expect(tested.names.slice(3)).toEqual(['verification']);
  const controller = new AbortController();
  const given = tested.request('given up', { priority: 'baseline', signal: controller.signal });
  controller.abort(new Error('stop'));
  expect(await given).toEqual(new Error('stop'));
  tested.budget.endDayAfter(Number.POSITIVE_INFINITY);
  await pass(1_000);
  expect(tested.names.slice(4)).toEqual(['baseline']);
  tested.close();
});
