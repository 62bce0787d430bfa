import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const MEMBERS = { 'a next link': 'nextLink', 'a delta link': 'deltaLink' } as const;

/** The text with the address of a link changed. */
function relinked(text: string, member: string, change: (link: string) => string): string {
  return text.replace(
    new RegExp(`("@odata.${member}":)("(?:[^"\\\\]|\\\\.)*")`),
    (_, name: string, link: string) => {
      return name + JSON.stringify(change(JSON.parse(link) as string));
    },
  );
}

describe('a link that leads away', () => {
  let requests = 0;
  const elsewhere = createServer((_, response) => {
    requests++;
    response.end('{"value":[]}');
  });
  let port = 0;
  beforeAll(async () => {
    elsewhere.listen(0);
    await once(elsewhere, 'listening');
    const address = elsewhere.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => {
    elsewhere.close();
    elsewhere.closeAllConnections();
  });
  beforeEach(() => {
    requests = 0;
  });

  const ways: Record<string, (link: URL) => string> = {
    'to another port': (link) => {
      link.port = String(port);
      return link.href;
    },
    'to another name of the same machine': (link) => {
      link.hostname = 'localhost';
      link.port = String(port);
      return link.href;
    },
    'by another scheme': (link) => link.href.replace('http:', 'https:'),
    'with a user and a password': (link) => {
      link.username = 'user';
      link.password = 'secret';
      return link.href;
    },
    'without a scheme': (link) => `//127.0.0.1:${port}${link.pathname}${link.search}`,
    'behind a backslash': (link) => `/\\127.0.0.1:${port}${link.pathname}`,
    'to no address': () => 'http://[',
  };
  for (const [what, member] of Object.entries(MEMBERS)) {
    for (const [where, change] of Object.entries(ways)) {
      it(`a link that leads away ${where}, as ${what}, is refused, and what was stored before it stays`, async () => {
        await using bench = await SyncBench.open();
        const { store, faults, requests: seen } = bench.emulator;
        store.seed('account', 15);
        faults.add({
          match: { table: 'account', kind: member === 'nextLink' ? 'baseline' : 'next' },
          do: { transformText: (text) => relinked(text, member, (link) => change(new URL(link))) },
        });
        const [result] = await bench.sync(['account'], { pageSize: 10 });
        expect(result?.failure).toMatchObject({ code: 'foreign-link', reaction: 'stop-table' });
        expect(result?.failure?.message).not.toContain('secret');
        expect(requests).toBe(0);
        faults.clear();
        seen.clear();
        expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
        expect(await differences(store, bench.database, 'account')).toEqual([]);
      });
    }
  }

  for (const status of [301, 302, 303, 307, 308]) {
    it(`a redirect with ${status} to another origin is refused, and one within the environment is followed`, async () => {
      await using bench = await SyncBench.open();
      const { store, faults } = bench.emulator;
      store.seed('account', 15);
      const redirectTo = `http://127.0.0.1:${port}/stolen`;
      const away = faults.add({ match: { kind: 'next' }, do: { status, redirectTo } });
      expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({ account: 'foreign-link' });
      expect(requests).toBe(0);
      away.remove();
      const address = `${bench.url}/api/data/v9.2/accounts?$select=accountid`;
      const within = faults.add({
        match: { kind: 'delta' },
        do: { status, redirectTo: address },
      });
      await bench.sync(['account'], { pageSize: 10 });
      expect(within.hits).toBeGreaterThan(0);
      expect(bench.emulator.requests.entries.some(({ url }) => url.endsWith('?$select=accountid'))).toBe(
        true,
      );
      expect(requests).toBe(0);
    });
  }

  it('a redirect that leads to itself again and again comes to an end', async () => {
    await using bench = await SyncBench.open();
    const fault = bench.emulator.faults.add({
      match: { kind: 'baseline' },
      do: { redirectTo: `${bench.url}/api/data/v9.2/accounts` },
    });
    bench.emulator.faults.add({
      match: { kind: 'list' },
      do: { redirectTo: `${bench.url}/api/data/v9.2/accounts` },
    });
    expect(failures(await bench.sync(['account']))).toEqual({ account: 'unexpected-answer' });
    expect(fault.hits + bench.emulator.requests.count({ status: 302 })).toBeLessThan(12);
  });
});

describe('paging without end', () => {
  it('a next link that leads to its own page is named, and the table goes on once the environment has recovered', async () => {
    await using bench = await SyncBench.open();
    const { store, faults, requests } = bench.emulator;
    store.seed('account', 40);
    let first = '';
    faults.add({
      match: { kind: 'next' },
      do: {
        transformText: (text) =>
          relinked(text, 'nextLink', (link) => {
            if (first === '') first = link;
            return first;
          }),
      },
    });
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({ account: 'link-loop' });
    expect(requests.count({ kind: 'next' })).toBeLessThan(6);
    faults.clear();
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('a chain of pages that bring nothing ends after a hundred, and the next run goes on from there', async () => {
    await using bench = await SyncBench.open();
    const { store, faults, requests } = bench.emulator;
    store.seed('account', 15);
    let page = 0;
    const endless = faults.add({
      match: { kind: ['baseline', 'next'] },
      do: {
        transform: (json) => {
          const { '@odata.deltaLink': _, ...answer } = json as Record<string, unknown>;
          // A parameter that nobody reads: the link is another one each time.
          const link = `${bench.url}/api/data/v9.2/accounts?$select=name&page=${++page}`;
          return { ...answer, value: [], '@odata.nextLink': link };
        },
      },
    });
    // Links of this kind are answered as plain lists; what they bring is what counts here.
    faults.add({
      match: { kind: 'list' },
      do: {
        transform: (json) => ({
          ...(json as object),
          value: [],
          '@odata.nextLink': `${bench.url}/api/data/v9.2/accounts?$select=name&page=${++page}`,
        }),
      },
    });
    const [result] = await bench.sync(['account'], { pageSize: 10 });
    expect(result?.failure).toMatchObject({ code: 'endless-paging', reaction: 'stop-table' });
    expect(page).toBeLessThan(110);
    expect(endless.hits).toBeGreaterThan(0);
    faults.clear();
    requests.clear();
    expect(failures(await bench.sync(['account'], {}, { restart: true }))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});
