import { once } from 'node:events';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createBudget } from '../../src/dataverse/budget/budget.ts';
import { DataverseClient } from '../../src/dataverse/http/client.ts';
import { createHttpClient } from '../../src/dataverse/http/http-client.ts';

test('a request that waited out a pause carries the token of its start, not one from before the pause', async () => {
  const sent: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    sent.push(request.headers.authorization);
    response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let now = 0;
  const budget = createBudget({ requestsPer5Minutes: 100, concurrency: 1 }, { now: () => now });
  const http = createHttpClient();
  let current = 'before';
  const client = new DataverseClient({
    origin: `http://127.0.0.1:${port}`,
    tokens: {
      token: async () => Promise.resolve(current),
      refuse: () => undefined,
    },
    budget,
    http,
    logger: pino({ level: 'silent' }),
    requestTimeout: 5_000,
    pageBytes: 1e6,
    memory: 1e6,
    userAgent: 'test',
  });
  budget.throttle(20);
  const signal = new AbortController().signal;
  const answered = client.getJson({ url: 'WhoAmI', priority: 'metadata' }, signal);
  // The request has its place in the line by then; the pause ends by the budget's own clock.
  await new Promise(setImmediate);
  current = 'after';
  now = 1_000;
  expect(await answered).toEqual({});
  expect(sent).toEqual(['Bearer after']);
  budget.close();
  http.close();
  server.close();
});
