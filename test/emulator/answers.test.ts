import { describe, expect, it } from 'vitest';
import type { FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

describe.concurrent('an answer', () => {
  const passing: Record<string, FaultAction> = {
    '503 with an HTML page': { status: 503, html: true },
    '500 with a generic SQL error': { status: 500, code: '0x80044150' },
    '400 with an SQL time-out': { status: 400, code: '0x80044151' },
    'a reset connection': { reset: true },
    'a page cut in the middle': { cutAt: 2_000 },
    '429 with seconds': { status: 429, code: '0x80072322', retryAfter: 1 },
  };
  for (const [what, action] of Object.entries(passing)) {
    it(`an answer that is ${what} is asked for again`, async () => {
      await using bench = await SyncBench.open();
      bench.emulator.store.seed('account', 30);
      const fault = bench.emulator.faults.add({
        match: { table: 'account', kind: 'next' },
        times: 1,
        do: action,
      });
      expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
      expect(fault.hits).toBe(1);
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }

  it('an answer that is HTML with 200 is named as such, once', async () => {
    await using bench = await SyncBench.open();
    const fault = bench.emulator.faults.add({ match: { kind: 'baseline' }, do: { status: 200, html: true } });
    expect(failures(await bench.sync(['account']))).toEqual({ account: 'unexpected-answer' });
    expect(fault.hits).toBe(1);
  });

  it('an answer of 429 makes every request of the identity wait as long as it says', async () => {
    await using bench = await SyncBench.open();
    const { store, faults, requests } = bench.emulator;
    for (const table of ['account', 'contact', 'lead']) store.seed(table, 60);
    await bench.sync(['account', 'contact', 'lead']);
    requests.clear();
    faults.add({
      match: { kind: 'delta' },
      times: 1,
      do: { status: 429, code: '0x80072322', retryAfter: 2 },
    });
    expect(failures(await bench.sync(['account', 'contact', 'lead']))).toEqual({});
    const refused = requests.find({ status: 429 })[0];
    const later = requests.entries.filter((entry) => entry.at > (refused?.at ?? 0) + 50);
    expect(later.length).toBeGreaterThan(0);
    for (const entry of later) expect(entry.at - (refused?.at ?? 0)).toBeGreaterThanOrEqual(1_950);
  });
});
