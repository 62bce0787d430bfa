import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { MOST_SENDS } from '../../src/dataverse/http/retry.ts';
import type { FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { MOST_FETCHES } from '../../src/sync/run/repairs.ts';
import { speedUpTime } from '../support/fast-time.ts';
import { SyncBench } from '../support/sync.ts';

let bench: SyncBench;
beforeAll(async () => {
  speedUpTime(500, 5_000);
  bench = await SyncBench.open();
  bench.emulator.store.seed('account', 3);
});
beforeEach(async () => {
  bench.emulator.faults.clear();
  await bench.sync(['account']);
  // A link that a re-baseline brings is another one then.
  bench.emulator.store.seed('account', 1);
  bench.emulator.requests.clear();
});
afterAll(async () => bench[Symbol.asyncDispose]());

/** How often the request was sent that follows the stored delta link: the first request that is told of. */
function sent(): number {
  const requests = bench.emulator.requests.find({ kind: 'delta' });
  return requests.filter(({ url }) => url === requests[0]?.url).length;
}

const BUSY: FaultAction = { status: 429, code: '0x80072322', retryAfter: 0 };
const DOWN: FaultAction = { status: 503, body: '' };
const FAILED: FaultAction = {
  transform: (json) => ({ ...(json as object), error: { code: '0x80040216', message: 'It failed.' } }),
};
const REFUSED: FaultAction = { status: 400, code: '0x80040203', message: 'No.' };
const RESET: FaultAction = { reset: true };
const SIGNED_OUT: FaultAction = { status: 401, code: '0x0', message: 'No.' };

it.each<[what: string, answer: FaultAction, times: number]>([
  ['a server that is down', DOWN, 6],
  ['a connection that is reset', RESET, 6],
  ['a success that tells of a failure', FAILED, 6],
  ['a sign-in that is refused', SIGNED_OUT, 2],
  ['a refusal for a reason that nobody knows', REFUSED, 2],
  ['a privilege that is missing', { status: 403, code: '0x80040220', message: 'No.' }, 1],
  ['a link that expired', { status: 400, code: '0x80044352', message: 'No.' }, 1],
])('a request that always meets %s is sent a fixed number of times in a run', async (_, answer, times) => {
  bench.emulator.faults.add({ match: { kind: 'delta' }, do: answer });
  await bench.sync(['account']);
  expect(sent()).toBe(times);
});

it('a request that meets any trouble in any order is sent as often as client and run allow at most', async () => {
  // The pauses of more refusals by a busy server would take minutes.
  const rare = Array.from({ length: 5 }, () => BUSY);
  const often = Array.from({ length: 10 }, () => [DOWN, FAILED, REFUSED, SIGNED_OUT, RESET]).flat();
  const troubles = fc.shuffledSubarray([...rare, ...often], { minLength: 5 });
  await fc.assert(
    fc.asyncProperty(troubles, async (answers) => {
      bench.emulator.faults.clear();
      bench.emulator.requests.clear();
      for (const answer of answers)
        bench.emulator.faults.add({ match: { kind: 'delta' }, times: 1, do: answer });
      bench.emulator.faults.add({ match: { kind: 'delta' }, do: DOWN });
      await bench.sync(['account']);
      expect(sent()).toBeLessThanOrEqual(MOST_SENDS * MOST_FETCHES);
    }),
    { numRuns: 10 },
  );
});
