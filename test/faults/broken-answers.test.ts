import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, type HttpClient } from '../../src/dataverse/http/http-client.ts';
import { parsePage, type ParsedPage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { networkCode } from '../../src/dataverse/http/retry.ts';
import type { FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { EmulatedApi } from '../support/emulated-api.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const PAGE_PATH = 'accounts?$select=name,description';
const LARGEST = 64 * 1024 * 1024;
const shape = new RowShape(['accountid', 'name', 'description']);
const signal = new AbortController().signal;

/** Reads a page as the feed does: over HTTP, and then as one JSON document or not at all. */
async function readPage(http: HttpClient, url: string, encoding: string): Promise<ParsedPage> {
  const headers = {
    authorization: 'Bearer emulator-token',
    'accept-encoding': encoding,
    prefer: 'odata.track-changes',
  };
  const answer = await http.send({ method: 'GET', url: new URL(url), headers, largest: LARGEST }, signal);
  return parsePage(answer.body, shape);
}

describe('a page that is cut at any byte', () => {
  let api: EmulatedApi;
  let http: HttpClient;
  beforeAll(async () => {
    api = await EmulatedApi.open();
    api.emulator.store.seed('account', 40);
    http = createHttpClient();
  });
  afterAll(async () => {
    http.close();
    await api[Symbol.asyncDispose]();
  });

  for (const encoding of ['gzip', 'identity']) {
    it(`a page that is cut at any byte where the connection breaks comes as a whole or not at all (${encoding})`, async () => {
      const url = `${api.root}/${PAGE_PATH}`;
      const full = await readPage(http, url, encoding);
      const sent = encoding === 'gzip' ? 4_000 : full.bytes.length;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: sent + 200 }), async (cutAt) => {
          const fault = api.emulator.faults.add({ times: 1, do: { cutAt } });
          const came = await readPage(http, url, encoding).then(
            ({ rows }) => rows,
            (error: unknown) => networkCode(error),
          );
          fault.remove();
          expect(came === full.rows || typeof came === 'string').toBe(true);
        }),
        { numRuns: 80 },
      );
    });
  }

  it('a page that is cut at any byte by a proxy that ends it properly comes as a whole or not at all', async () => {
    // A connection that was cut behind a whole answer may not have been noticed yet.
    http.close();
    const { bytes } = await readPage(http, `${api.root}/${PAGE_PATH}`, 'identity');
    const forms = { gzip: gzipSync(bytes), identity: Buffer.from(bytes) };
    let answer: ((response: ServerResponse) => void) | undefined;
    await using server = await listening((_, response) => answer?.(response));
    const cut = fc.record({
      encoding: fc.constantFrom('gzip' as const, 'identity' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      chunked: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cut, async ({ encoding, share, chunked }) => {
        const body = forms[encoding];
        const part = body.subarray(0, Math.floor(body.length * share));
        answer = (response) => {
          if (encoding === 'gzip') response.setHeader('content-encoding', 'gzip');
          if (!chunked) response.setHeader('content-length', part.length);
          response.write(part);
          response.end();
        };
        const read = await readPage(http, server.url, encoding).catch((error: unknown) => error);
        expect(read).toBeInstanceOf(Error);
      }),
      { numRuns: 120 },
    );
  });
});

it('a body in another encoding than it says is not a page', async () => {
  const page = '{"value":[]}';
  const answers: Record<string, [encoding: string, body: string | Buffer]> = {
    '/plain': ['gzip', page],
    '/silent': ['identity', gzipSync(page)],
  };
  await using server = await listening((path, response) => {
    const [encoding, body] = answers[path] ?? ['identity', page];
    response.setHeader('content-encoding', encoding);
    response.end(body);
  });
  const http = createHttpClient();
  const read = async (path: string): Promise<ParsedPage> => readPage(http, server.url + path, 'gzip');
  expect(await read('/whole')).toMatchObject({ rows: 0 });
  const broken: unknown = await read('/plain').catch((error: unknown) => error);
  expect(networkCode(broken)).toBe('Z_DATA_ERROR');
  await expect(read('/silent')).rejects.toThrow(SyntaxError);
  http.close();
});

async function listening(
  answer: (path: string, response: ServerResponse) => void,
): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => answer(request.url ?? '', response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

describe.concurrent('a page after a passing failure', () => {
  const passing: Record<string, FaultAction> = {
    'a burst of 500': { status: 500 },
    'a burst of 502 with HTML': { status: 502, html: true },
    'a burst of 504': { status: 504, html: true },
    'a compressed body cut in the middle': { cutAt: 700 },
  };
  for (const [what, action] of Object.entries(passing)) {
    it(`the same page is asked for again after ${what}`, async () => {
      await using bench = await SyncBench.open();
      bench.emulator.store.seed('account', 30);
      bench.emulator.faults.add({ match: { kind: 'next' }, times: 2, do: action });
      expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }

  it('the same page is asked for again after a connection that is reset after some bytes, again and again', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 200);
    await using proxy = await FaultProxy.between(bench.url);
    const dataverse = bench.dataverse({ url: proxy.url(bench.url) });
    bench.emulator.settings.publicOrigin = proxy.url(bench.url);
    const resets = (async (): Promise<void> => {
      for (const bytes of [9_000, 1, 20_000]) await proxy.resetAfter(bytes, 'toClient');
    })();
    expect(failures(await bench.sync(['account'], { pageSize: 20, dataverse }))).toEqual({});
    await resets;
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });
});

describe('an answer that is not a page', () => {
  const answers: Record<string, FaultAction> = {
    'HTML with 200': { status: 200, html: true },
    'JSON that is no object': { body: '[]' },
    'an object without rows': { body: { error: null } },
    'rows that are no list': { body: { value: { name: 'x' } } },
    'a tombstone without an id': {
      body: { value: [{ '@odata.context': 'x#accounts/$deletedEntity', reason: 'deleted' }] },
    },
  };
  for (const [what, action] of Object.entries(answers)) {
    it(`an answer of ${what} is named, and nothing of it is stored`, async () => {
      await using bench = await SyncBench.open();
      bench.emulator.store.seed('account', 30);
      bench.emulator.faults.add({ match: { kind: 'next' }, do: action });
      const [result] = await bench.sync(['account'], { pageSize: 10 });
      expect(result?.failure).toMatchObject({ code: 'unexpected-answer', reaction: 'stop-table' });
      expect(result?.failure?.details['requestId']).toMatch(/^[0-9a-f-]{36}/);
      expect(await bench.database.query('SELECT FROM dataverse.account')).toHaveLength(10);
      bench.emulator.faults.clear();
      expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }
});

describe('an answer that does not come to its end', () => {
  it('an answer that stops coming is given up after the idle time-out, and asked for again', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 30);
    const fault = bench.emulator.faults.add({
      match: { kind: 'next' },
      times: 1,
      do: { delayBodyMs: 20_000 },
    });
    const limits = { requestsPer5Minutes: 100_000, concurrency: 8, requestTimeout: 60_000, idleTimeout: 300 };
    const dataverse = bench.dataverse({ limits });
    expect(failures(await bench.sync(['account'], { pageSize: 10, dataverse }))).toEqual({});
    expect(fault.hits).toBe(1);
    expect(bench.emulator.requests.count({ kind: 'next' })).toBeGreaterThan(2);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('an answer that comes byte by byte is given up after the whole time-out', async () => {
    const http = createHttpClient(300);
    await using server = await listening((_, response) => {
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
    });
    const call = { method: 'GET', url: new URL(server.url), headers: {}, largest: LARGEST } as const;
    const ended: unknown = await http.send(call, AbortSignal.timeout(1_000)).catch((error: unknown) => error);
    expect(ended).toBeInstanceOf(Error);
    // Without the limit over all it would go on for ever: what comes is no silence.
    const unending = http.send(call, AbortSignal.timeout(2_000)).catch(() => 'ended by the limit');
    const first = await Promise.race([
      unending,
      new Promise((resolve) => setTimeout(resolve, 900, 'goes on')),
    ]);
    expect(first).toBe('goes on');
    expect(await unending).toBe('ended by the limit');
    http.close();
  });
});
