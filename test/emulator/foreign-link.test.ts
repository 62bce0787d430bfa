import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failures, SyncBench } from '../support/sync.ts';

describe('a link that leads elsewhere', () => {
  let requests = 0;
  const elsewhere = createServer((_, response) => {
    requests++;
    response.end('{}');
  });
  let origin = '';
  beforeAll(async () => {
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const address = elsewhere.address();
    origin = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  });
  afterAll(() => {
    elsewhere.close();
    elsewhere.closeAllConnections();
  });

  const cases = {
    'a next link': 'nextLink',
    'a delta link': 'deltaLink',
  };
  for (const [what, member] of Object.entries(cases)) {
    it(`a link to another origin is refused as ${what} before any request is made`, async () => {
      await using bench = await SyncBench.open();
      bench.emulator.store.seed('account', 30);
      bench.emulator.faults.add({
        match: { table: 'account' },
        do: {
          transformText: (text) =>
            text.replaceAll(new RegExp(`("@odata.${member}":")${bench.url}`, 'g'), `$1${origin}`),
        },
      });
      expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({ account: 'foreign-link' });
      expect(requests).toBe(0);
    });
  }

  it('a redirect to another origin is refused', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 30);
    bench.emulator.faults.add({ match: { kind: 'baseline' }, do: { redirectTo: `${origin}/stolen` } });
    expect(failures(await bench.sync(['account']))).toEqual({ account: 'foreign-link' });
    expect(requests).toBe(0);
  });
});
