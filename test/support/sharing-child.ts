// A process that sends as many requests as its share of the budget allows, until it gets SIGTERM.
import { createBudget } from '../../src/dataverse/budget/budget.ts';
import { openPool } from '../../src/mirror/connection/postgres.ts';
import { openStateStore } from '../../src/mirror/state/store.ts';
import { SharedBudget } from '../../src/sync/watch/shared-budget.ts';
import { silent } from './mirror.ts';
import type { SharingOrder } from './sharing-process.ts';

const {
  databaseUrl,
  environmentUrl,
  process: name,
  limits,
  times,
} = JSON.parse(process.argv[2] ?? '') as SharingOrder;
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());

const pool = openPool({ url: databaseUrl, connections: 2, idleInTransaction: 30_000 }, silent);
const budget = createBudget(limits, { window: times.window });
const store = openStateStore(pool, 'mirrorverse', 1);
const shared = new SharedBudget({
  store,
  budget,
  identity: 'identity',
  process: name,
  replicas: { group: () => null, observe: () => undefined },
  limits: () => limits,
  logger: silent,
  times,
});
await shared.join();
const { signal } = stopping;
const send = async (): Promise<void> => {
  const headers = { authorization: 'Bearer emulator-token', 'user-agent': name };
  const answer = await fetch(`${environmentUrl}/api/data/v9.2/WhoAmI`, { headers });
  await answer.arrayBuffer();
  if (answer.status !== 429) return;
  const seconds = Number(answer.headers.get('retry-after') ?? 1);
  budget.throttle(seconds * 1_000);
  shared.renewNow();
};
// More than may be in flight, so that something always waits.
const workers = Array.from({ length: 2 * limits.concurrency }, async () => {
  while (!signal.aborted) await budget.spend('delta', signal, send).catch(() => undefined);
});
await Promise.all(workers);
await shared.close();
budget.close();
await pool.end();
