import http from 'node:http';
import https from 'node:https';
import { Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { createHttpClient } from '../../src/dataverse/http/http-client.ts';
import { isNoConnection, passingCode } from '../../src/dataverse/network/connection-failure.ts';

afterEach(() => vi.useRealTimers());

/** An agent whose connections are never made, as behind a firewall that drops packets. */
class DroppingAgent extends http.Agent {
  override createConnection(): Socket {
    return Object.defineProperty(new Socket(), 'connecting', { value: true });
  }
}

it('a host that never takes the connection counts as unreachable after ten seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const client = createHttpClient(60_000, { http: new DroppingAgent(), https: new https.Agent() });
  const url = new URL('http://127.0.0.1:9/');
  const sent = client.send({ method: 'GET', url, headers: {}, largest: 1 }, new AbortController().signal);
  const failed = sent.then(
    () => undefined,
    (error: unknown) => error,
  );
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(10_000);
  const code = passingCode(await failed);
  expect(code).toBe('ETIMEDOUT');
  expect(isNoConnection(code ?? '')).toBe(true);
  client.close();
});
