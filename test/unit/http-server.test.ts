import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { jsonReply, type Route } from '../../src/operations/http/route.ts';
import { openHttpPort, sendRaw, type HttpPort } from '../support/http-port.ts';

const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/healthz', answer: () => jsonReply(200, { alive: true }) },
  {
    method: 'GET',
    path: '/stream',
    answer: () => ({
      status: 200,
      body: (response) => {
        response.write('first');
        response.end('last');
      },
    }),
  },
  {
    method: 'GET',
    path: '/away',
    answer() {
      throw new Failure({ code: 'database-unreachable', message: 'PostgreSQL is away.' });
    },
  },
  {
    method: 'GET',
    path: '/broken',
    async answer() {
      await Promise.resolve();
      throw new TypeError('a defect');
    },
  },
  {
    method: 'POST',
    path: '/tables/:table/pause',
    answer: async ({ parts, body }) => jsonReply(200, { ...parts, body: await body() }),
  },
];

let http: HttpPort;
beforeAll(async () => {
  http = await openHttpPort(ROUTES);
});
afterAll(async () => http[Symbol.asyncDispose]());

const ask = async (path: string, options?: RequestInit): Promise<Response> => fetch(http.url + path, options);
const get = (target: string, headers = 'host: localhost'): string =>
  `GET ${target} HTTP/1.1\r\n${headers}\r\nconnection: close\r\n\r\n`;
const isAlive = async (): Promise<boolean> => (await ask('/healthz')).status === 200;

test('the HTTP port answers HEAD as GET, without the body', async () => {
  for (const path of ['/healthz', '/stream']) {
    const head = await ask(path, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  }
  expect((await ask('/healthz', { method: 'HEAD' })).headers.get('content-length')).toBe('15');
  expect(await (await ask('/stream')).text()).toBe('firstlast');
});

test('the HTTP port refuses another method, and says which methods a path answers', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const answer = await ask('/healthz', { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  }
  const answer = await ask('/tables/account/pause');
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  expect(await answer.json()).toMatchObject({ code: 'wrong-method' });
});

test('every answer of the HTTP port has the headers that keep a browser from doing more than it must', async () => {
  for (const path of ['/healthz', '/nowhere', '/away', '/stream']) {
    const { headers } = await ask(path);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
  }
});

test.each(['//', '//healthz', '/%ff', '/%', '/..%2f', '/tables/%ff/pause', '/tables//pause', '/\\', '*'])(
  'the HTTP port answers the odd path %s with 404',
  async (target) => {
    expect(await sendRaw(http.port, get(target))).toMatch(/^HTTP\/1\.1 404 /);
  },
);

test.each(['http://elsewhere/', 'http://[', '?', '/healthz?%ff=%zz&loaded', '/healthz?a?b#c'])(
  'the HTTP port answers the odd address %s',
  async (target) => {
    expect(await sendRaw(http.port, get(target))).toMatch(/^HTTP\/1\.1 (?:200|400|404) /);
    expect(await isAlive()).toBe(true);
  },
);

test.each([
  '',
  'x',
  'GET',
  '\r\n\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  '\0\xff\x16\x03\x01',
  'PRI * HTTP/2.0\r\n\r\n',
])('bytes that are no request do not disturb the HTTP port: %j', async (bytes) => {
  await sendRaw(http.port, bytes, 100);
  expect(await isAlive()).toBe(true);
});

test('the HTTP port answers a request that asks for another protocol, and closes a tunnel', async () => {
  const upgrade = get('/healthz', 'host: localhost\r\nconnection: upgrade\r\nupgrade: websocket');
  expect(await sendRaw(http.port, upgrade, 300)).toMatch(/^(?:HTTP\/1\.1 200 |$)/);
  await sendRaw(http.port, 'CONNECT elsewhere:443 HTTP/1.1\r\nhost: localhost\r\n\r\n', 300);
  expect(await isAlive()).toBe(true);
});

test('the HTTP port takes the whole address of a path, as the client of a proxy sends it', async () => {
  expect(await sendRaw(http.port, get('http://localhost/healthz'))).toMatch(/^HTTP\/1\.1 200 /);
});

test('a part of a path is decoded, and the body reaches its route', async () => {
  const name = 'a b/ü"<script>\u{1f600}';
  const path = `/tables/${encodeURIComponent(name)}/pause`;
  const answer = await ask(path, { method: 'POST', body: '{}' });
  expect(await answer.json()).toEqual({ table: name, body: '{}' });
});

test('a body that is too large is refused, whether its length is told or not', async () => {
  const body = 'x'.repeat(16 * 1024 + 1);
  const told = await ask('/tables/a/pause', { method: 'POST', body });
  expect([told.status, await told.json()]).toMatchObject([413, { code: 'body-too-large' }]);
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
  const untold = await sendRaw(
    http.port,
    `POST /tables/a/pause HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
  );
  expect(untold).toMatch(/^HTTP\/1\.1 413 /);
  expect((await ask('/healthz', { method: 'POST', body })).status).toBe(413);
});

test('a failure of a route is an answer with its code, and a defect is one too', async () => {
  const away = await ask('/away');
  expect([away.status, await away.json()]).toMatchObject([503, { code: 'database-unreachable' }]);
  const broken = await ask('/broken');
  expect([broken.status, await broken.json()]).toMatchObject([500, { code: 'unexpected' }]);
  expect(http.lines.filter(({ code }) => code === 'unexpected')).toHaveLength(1);
});

test('a port for this machine alone is not answered under the name of another machine', async () => {
  for (const host of [
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '[x]',
    '',
  ]) {
    expect(await sendRaw(http.port, get('/healthz', `host: ${host}`))).toMatch(/^HTTP\/1\.1 421 /);
  }
  for (const host of ['localhost', 'LOCALHOST:1', 'localhost.', '127.0.0.1', '10.0.0.1:99', '[::1]:80']) {
    expect(await sendRaw(http.port, get('/healthz', `host: ${host}`))).toMatch(/^HTTP\/1\.1 200 /);
  }
  await using open = await openHttpPort(ROUTES, { host: '0.0.0.0', port: 0 });
  expect(await sendRaw(open.port, get('/healthz', 'host: mirror.example'))).toMatch(/^HTTP\/1\.1 200 /);
});

test('a port that is taken, and a host that is not of this machine, are the failure port-taken', async () => {
  const taken = openHttpPort(ROUTES, { host: '127.0.0.1', port: http.port });
  await expect(taken).rejects.toMatchObject({ code: 'port-taken', details: { network: 'EADDRINUSE' } });
  const foreign = openHttpPort(ROUTES, { host: '203.0.113.1', port: 0 });
  await expect(foreign).rejects.toMatchObject({ code: 'port-taken', details: { host: '203.0.113.1' } });
});

test('the HTTP port answers while hundreds of clients hold connections and say nothing, and closes at once', async () => {
  const many = await openHttpPort(ROUTES);
  const sockets: Socket[] = [];
  for (let at = 0; at < 400; at++) {
    const socket = connect(many.port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    if (at % 2 === 0) socket.write('GET /healthz HTTP/1.1\r\nhost: loc');
    sockets.push(socket);
  }
  expect((await fetch(`${many.url}/healthz`)).status).toBe(200);
  await many[Symbol.asyncDispose]();
  for (const socket of sockets) socket.destroy();
});
