import { expect, it } from 'vitest';
import { FaultProxy } from '../support/fault-proxy.ts';
import { never } from '../support/mirror.ts';
import { SyncBench } from '../support/sync.ts';

it('connections to the environment that died while they were kept cost one time-out, not one each', async () => {
  await using bench = await SyncBench.open();
  await using proxy = await FaultProxy.between(bench.url);
  const limits = { requestsPer5Minutes: 1_000, concurrency: 8, requestTimeout: 1_500 };
  const dataverse = bench.dataverse({ url: proxy.url(bench.url), limits });
  try {
    const ask = async (): Promise<unknown> =>
      dataverse.client.getJson({ url: 'WhoAmI', priority: 'metadata' }, never);
    await Promise.all(Array.from({ length: 6 }, ask));
    const kept = proxy.accepted;
    expect(kept).toBeGreaterThan(3);
    proxy.blackhole({ existing: true, fresh: false });
    const before = bench.emulator.requests.count({});
    await ask();
    // The first meets a dead connection; its repetition opens another.
    expect(proxy.accepted).toBe(kept + 1);
    expect(bench.emulator.requests.count({})).toBe(before + 1);
    await Promise.all([ask(), ask()]);
    expect(proxy.accepted).toBe(kept + 2);
  } finally {
    await dataverse.close();
  }
}, 30_000);
