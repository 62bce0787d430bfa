import { once } from 'node:events';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { beforeAll, expect, test } from 'vitest';
import { createBudget } from '../../src/dataverse/budget/budget.ts';
import { DataverseClient } from '../../src/dataverse/http/client.ts';
import { createHttpClient } from '../../src/dataverse/http/http-client.ts';
import { MAX_RETRIES, MAX_THROTTLED, MOST_SENDS } from '../../src/dataverse/http/retry.ts';
import { speedUpTime } from '../support/fast-time.ts';

beforeAll(() => speedUpTime(10_000));

/** How often a client sends one request to a server that answers with these statuses, and then with the last. */
async function sends(...statuses: readonly number[]): Promise<number> {
  let sent = 0;
  const server = createServer((_, response) => {
    response.statusCode = statuses[sent] ?? statuses.at(-1) ?? 500;
    sent++;
    response.setHeader('retry-after', '0');
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const budget = createBudget({ requestsPer5Minutes: 1_000, concurrency: 1 });
  const http = createHttpClient();
  const client = new DataverseClient({
    origin: `http://127.0.0.1:${port}`,
    tokens: { token: async () => Promise.resolve('token'), refuse: () => undefined },
    budget,
    http,
    logger: pino({ level: 'silent' }),
    requestTimeout: 60_000,
    pageBytes: 1e6,
    memory: 1e6,
    userAgent: 'test',
  });
  const { signal } = new AbortController();
  await expect(client.getJson({ url: 'WhoAmI', priority: 'metadata' }, signal)).rejects.toHaveProperty(
    'reaction',
  );
  budget.close();
  http.close();
  server.close();
  return sent;
}

test('a request is sent six times to a server that is down, and twenty-one times to a server that is busy', async () => {
  expect(await sends(503)).toBe(1 + MAX_RETRIES);
  expect(await sends(429)).toBe(1 + MAX_THROTTLED);
  expect(await sends(401)).toBe(2);
  expect(await sends(403)).toBe(1);
});

test('a request is sent as often as the client says at most, to a server that gives every answer in the worst order', async () => {
  const busy = Array.from({ length: MAX_THROTTLED }, () => [401, 429]);
  const down = Array.from({ length: MAX_RETRIES }, () => [401, 503]);
  expect(await sends(...busy.flat(), ...down.flat(), 401, 503)).toBe(MOST_SENDS);
});
