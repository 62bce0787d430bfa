import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Dataverse } from '../../src/dataverse/dataverse.ts';
import type { Priority } from '../../src/dataverse/budget/budget.ts';
import { BenchDaemon } from '../support/daemon.ts';
import { SyncBench } from '../support/sync.ts';

/**
 * All windows are so many times shorter than Dataverse's: 375 ms stand for five minutes, and 4.5 s stand for an hour.
 * The requests of a window are fewer, because a request takes as long as ever.
 */
const SHORTER = 800;
const WINDOW = 300_000 / SHORTER;
const HOUR = 3_600_000 / SHORTER;
const LIMITS = { requestsPer5Minutes: 50, concurrency: 1, requestTimeout: 30_000 };
const SHARE = 0.2;
/** Requests of a verification in a window. */
const SHARED = SHARE * LIMITS.requestsPer5Minutes;
const TABLES = ['account', 'contact', 'lead'];

interface Sent {
  readonly priority: Priority;
  /** By `performance.now()`: when the request was asked for, when it started, and when it ended. */
  readonly asked: number;
  readonly started: number;
  ended: number;
}

/** Notes when each request is asked for, started and ended. */
function watchBudget({ budget }: Dataverse): Sent[] {
  const sent: Sent[] = [];
  const spend = budget.spend.bind(budget);
  budget.spend = async (priority, signal, request) => {
    const asked = performance.now();
    return spend(priority, signal, async () => {
      const entry = { priority, asked, started: performance.now(), ended: Number.POSITIVE_INFINITY };
      sent.push(entry);
      try {
        return await request();
      } finally {
        entry.ended = performance.now();
      }
    });
  };
  return sent;
}

test('verification spends its share of an hour at most, and no delta waits for more than one of its requests', async () => {
  await using bench = await SyncBench.open();
  const { emulator, database } = bench;
  emulator.store.seed('account', 1_500);
  emulator.store.seed('contact', 60);
  await bench.sync(TABLES);
  // Each of these rows takes a request of its own.
  await database.query(
    `INSERT INTO dataverse.account (accountid, versionnumber, _mirrored_at) SELECT gen_random_uuid(), 5, now() FROM generate_series(1, 20)`,
  );
  emulator.requests.clear();
  const dataverse = bench.dataverse({ limits: LIMITS, budgetWindow: WINDOW });
  const sent = watchBudget(dataverse);
  const wishes = { every: 1, share: SHARE, values: undefined, repair: 'report' } as const;
  // A share of 50 requests in 375 ms is the same pace as a share of 40,000 in five minutes.
  const limits = { dataverse, pageSize: 50, verifiedPer5Minutes: SHORTER * LIMITS.requestsPer5Minutes };
  {
    await using _ = new BenchDaemon(bench, TABLES, 3_600_000, '* * * * * *', 60_000, wishes, limits);
    await delay(HOUR);
  }
  // Plain reads are a verification's alone here: deltas follow their links.
  const verified = emulator.requests.entries.filter(
    ({ kind, url }) => kind === 'row' || kind === 'list' || url.includes('orderby'),
  );
  const times = verified.map(({ at }) => at);
  const first = times[0] ?? Number.NaN;
  const inHour = times.filter((at) => at < first + HOUR);
  expect(inHour.length).toBeLessThanOrEqual((HOUR / WINDOW) * SHARED + 1);
  for (const at of times) {
    expect(times.filter((other) => other >= at && other < at + WINDOW).length).toBeLessThanOrEqual(
      SHARED + 1,
    );
  }
  // Otherwise it had done too little to show anything.
  expect(inHour.length).toBeGreaterThan(HOUR / WINDOW);
  const verifications = sent.filter(({ priority }) => priority === 'verification');
  const deltas = sent.filter(({ priority }) => priority === 'delta');
  expect(deltas.length).toBeGreaterThanOrEqual(TABLES.length * 3);
  for (const { asked, started } of deltas) {
    const before = verifications.filter((each) => each.ended > asked && each.started < started);
    expect(before.length).toBeLessThanOrEqual(1);
  }
}, 60_000);

test('a verification and a repair ask for no more single rows at once than may be in flight', async () => {
  await using bench = await SyncBench.open();
  bench.emulator.store.seed('contact', 3);
  const dataverse = bench.dataverse({ limits: { ...LIMITS, concurrency: 2, requestsPer5Minutes: 6_000 } });
  await using session = await bench.session(['contact'], { dataverse });
  await session.sync();
  await bench.database.query(
    `INSERT INTO dataverse.contact (contactid, versionnumber, _mirrored_at) SELECT gen_random_uuid(), 5, now() FROM generate_series(1, 7)`,
  );
  const sent = watchBudget(dataverse);
  expect(await session.verify('contact', 'sweep')).toMatchObject({ differences: 7 });
  expect(await session.repair('contact')).toBe(7);
  const waiting = sent.map(({ asked }) => sent.filter((each) => each.asked <= asked && each.ended > asked));
  expect(Math.max(...waiting.map(({ length }) => length))).toBe(2);
  expect(await bench.database.query('SELECT FROM dataverse.contact')).toHaveLength(3);
});
