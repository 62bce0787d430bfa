import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { eventually } from '../support/command-line.ts';
import { testMirror } from '../support/mirror.ts';
import { SharingProcess, type SharingOrder } from '../support/sharing-process.ts';

/** Four seconds stand for five minutes, so each time of this test is a 75th of the real one, or longer. */
const WINDOW = 4_000;
const TIMES = { window: WINDOW, every: 100, validFor: 1_000 };
const LIMITS = { requestsPer5Minutes: 160, concurrency: 6 };
/** Requests a second that a process alone sends for long: half of the limit is for bursts. */
const ALONE = LIMITS.requestsPer5Minutes / 2 / (WINDOW / 1_000);
/** How much earlier or later than it was sent a request may arrive: three processes and the tests share two cores. */
const JITTER = 200;
/** What the stopped process may have had under way: its part of the concurrency. */
const UNDER_WAY = LIMITS.concurrency / 3;

interface Sent {
  readonly at: number;
  readonly until: number;
  readonly by: string;
}

function sentTo(emulator: DataverseEmulator): Sent[] {
  return emulator.requests.entries
    .filter(({ path }) => path.includes('WhoAmI'))
    .map(({ at, durationMs, headers }) => ({
      at,
      until: at + (durationMs ?? 0),
      by: headers['user-agent'] ?? '',
    }));
}

/** The most requests in any window that is shorter by the jitter. */
function densest(sent: readonly Sent[]): number {
  const times = sent.map(({ at }) => at).toSorted((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[to] ?? 0) - (times[from] ?? 0) > WINDOW - JITTER) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

/** The most requests that were at the environment at once. */
function mostInFlight(sent: readonly Sent[]): number {
  const edges = sent.flatMap(({ at, until }) => [
    { at, by: 1 },
    { at: until, by: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { by } of edges.toSorted((a, b) => a.at - b.at || a.by - b.by))
    most = Math.max(most, (now += by));
  return most;
}

describe('several processes with one identity', () => {
  it('three processes, one of them stopped for a while, never send more than one may, and together nearly as much', async () => {
    await using test = await testMirror();
    const emulator = new DataverseEmulator();
    const environmentUrl = await emulator.listen();
    emulator.faults.add({ match: { path: 'WhoAmI' }, do: { delayMs: 40 } });
    const order = { databaseUrl: test.database.url, environmentUrl, limits: LIMITS, times: TIMES };
    const start = (process: string): SharingProcess =>
      new SharingProcess({ ...order, process } satisfies SharingOrder);
    await using first = start('first');
    await using second = start('second');
    await using third = start('third');
    try {
      const from = (name: string): number => sentTo(emulator).filter(({ by }) => by === name).length;
      await eventually(() => ['first', 'second', 'third'].every((name) => from(name) > 3), 30_000);
      const begun = Date.now();
      await delay(WINDOW);
      second.signal('SIGSTOP');
      await delay(WINDOW);
      const before = from('second');
      second.signal('SIGCONT');
      await eventually(() => from('second') > before + 3, 20_000);
      await delay(WINDOW);
      const sent = sentTo(emulator);
      expect(densest(sent)).toBeLessThanOrEqual(LIMITS.requestsPer5Minutes + UNDER_WAY);
      expect(mostInFlight(sent)).toBeLessThanOrEqual(LIMITS.concurrency + UNDER_WAY);
      const rate = sent.filter(({ at }) => at >= begun).length / ((Date.now() - begun) / 1_000);
      expect(rate).toBeGreaterThan(0.85 * ALONE);
      await Promise.all([first.stop(), second.stop(), third.stop()]);
    } finally {
      await emulator.close();
    }
  });
});
