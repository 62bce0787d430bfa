import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openDataverse } from '../../src/dataverse/dataverse.ts';
import { discoverEnvironments } from '../../src/operations/setup/environment-discovery.ts';

// The answer as in "Discover the URL for your organization using the Web API", shortened.
const ANSWER = {
  value: [
    { Url: 'https://b.crm4.dynamics.com', FriendlyName: 'Sales' },
    { Url: 'https://a.crm.dynamics.com/', FriendlyName: 'Field service' },
    { Url: 'no address', FriendlyName: 'Odd' },
  ],
};

test('the environments of a person are found by name, with one request', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(ANSWER));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dataverse = openDataverse(
    {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      signIn: { method: 'access-token', token: 'a token' },
      limits: { requestsPer5Minutes: 100, concurrency: 2, requestTimeout: 5_000 },
      userAgent: 'test',
    },
    pino({ enabled: false }),
  );
  try {
    expect(await discoverEnvironments(dataverse.client, AbortSignal.timeout(10_000))).toEqual([
      { url: 'https://a.crm.dynamics.com', name: 'Field service' },
      { url: 'https://b.crm4.dynamics.com', name: 'Sales' },
    ]);
    expect(asked).toEqual(['/api/discovery/v2.0/Instances?$select=Url,FriendlyName']);
  } finally {
    await dataverse.close();
    server.close();
  }
});
