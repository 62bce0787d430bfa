import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { runNudgeServer } from '../../src/operations/nudges/nudge-server.ts';
import { isOwnOrganization } from '../../src/operations/nudges/organization-name.ts';
import { sendRaw } from '../support/http-port.ts';

const SECRET = 'a-secret-of-the-test';
const URL = 'https://contoso.crm.dynamics.com';
const HEADERS = {
  'x-mirrorverse-key': SECRET,
  'x-ms-dynamics-organization': 'contoso.crm.dynamics.com',
  'x-ms-dynamics-entity-name': 'account',
};

interface NudgePort extends AsyncDisposable {
  readonly port: number;
  readonly nudges: string[];
  readonly log: () => string;
  readonly post: (
    headers?: Record<string, string>,
    body?: string | Buffer,
    path?: string,
    method?: string,
  ) => Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>;
}

async function openNudgePort(secret: string | undefined = SECRET): Promise<NudgePort> {
  const nudges: string[] = [];
  const lines: string[] = [];
  const stop = new AbortController();
  const heard = Promise.withResolvers<number>();
  const write = (line: string): void => {
    lines.push(line);
    const { port } = JSON.parse(line) as { port?: number };
    if (port !== undefined) heard.resolve(port);
  };
  const ended = runNudgeServer(
    {
      address: { host: '127.0.0.1', port: 0 },
      url: 'https://mirror.example.com/proxied/nudges',
      secret: () => secret,
      isOwn: (name) => isOwnOrganization(name, URL, undefined),
      receive: (table) => nudges.push(table),
      logger: pino({ level: 'debug' }, { write }),
    },
    stop.signal,
  );
  const port = await heard.promise;
  return {
    port,
    nudges,
    log: () => lines.join(''),
    async post(headers = HEADERS, body = '', path = '/', method = 'POST') {
      const sent = request({ host: '127.0.0.1', port, path, method, headers });
      sent.on('error', () => undefined);
      sent.end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const pieces: Buffer[] = [];
      response.on('error', () => undefined);
      response.on('data', (piece: Buffer) => pieces.push(piece));
      await once(response, 'close');
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(pieces).toString(),
      };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

test('a nudge with the secret is taken, and its body is not parsed', async () => {
  await using port = await openNudgePort();
  expect((await port.post(HEADERS, '{"not json')).status).toBe(204);
  expect((await port.post({ ...HEADERS, 'x-ms-dynamics-entity-name': 'Contact ' })).status).toBe(204);
  expect(port.nudges).toEqual(['account', 'contact']);
});

test('a nudge is taken at the root, at the usual path and at the path of nudge.url, and nowhere else', async () => {
  await using port = await openNudgePort();
  for (const path of ['/', '/hooks/dataverse', '/proxied/nudges', '/?a=b']) {
    expect((await port.post(HEADERS, '', path)).status).toBe(204);
  }
  expect((await port.post(HEADERS, '', '/other')).status).toBe(404);
  const wrong = await port.post(HEADERS, '', '/', 'GET');
  expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST']);
  expect(port.nudges.length).toBe(4);
});

test('a nudge without the secret gets 401 and not a word, and no secret is logged', async () => {
  await using port = await openNudgePort();
  const { 'x-mirrorverse-key': _, ...without } = HEADERS;
  for (const headers of [without, { ...HEADERS, 'x-mirrorverse-key': `${SECRET}x` }]) {
    const { status, body } = await port.post(headers, 'body');
    expect([status, body]).toEqual([401, '']);
  }
  expect(port.nudges).toEqual([]);
  expect(port.log()).toContain('without the right secret');
  expect(port.log()).not.toContain(SECRET);
});

test('a nudge is refused while there is no secret, even an empty one', async () => {
  for (const secret of ['', undefined]) {
    await using port = await openNudgePort(secret ?? '');
    expect((await port.post({ ...HEADERS, 'x-mirrorverse-key': '' })).status).toBe(401);
  }
});

test('a nudge of another organization, or of none, is refused', async () => {
  await using port = await openNudgePort();
  const { 'x-ms-dynamics-organization': _, ...without } = HEADERS;
  const other = { ...HEADERS, 'x-ms-dynamics-organization': 'fabrikam.crm.dynamics.com' };
  for (const headers of [without, other]) expect((await port.post(headers)).status).toBe(403);
  expect(port.nudges).toEqual([]);
});

test('a nudge without a table does nothing', async () => {
  await using port = await openNudgePort();
  const { 'x-ms-dynamics-entity-name': _, ...without } = HEADERS;
  expect((await port.post(without)).status).toBe(204);
  expect(port.nudges).toEqual([]);
});

test('a body is read to 1 MiB, and a longer one is cut off', async () => {
  await using port = await openNudgePort();
  expect((await port.post(HEADERS, Buffer.alloc(256 * 1024))).status).toBe(204);
  const socket = connect(port.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (piece: Buffer) => (answer += piece.toString()));
  socket.on('error', () => undefined);
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000000\r\n${lines.join('')}\r\n`);
  const piece = Buffer.alloc(64 * 1024);
  const pump = setInterval(() => socket.write(piece), 1);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(pump);
  expect(answer).toMatch(/^HTTP\/1\.1 204 /);
  expect((await port.post()).status).toBe(204);
});

test('a client without the secret cannot hold a connection by a slow body', async () => {
  await using port = await openNudgePort();
  const begun = performance.now();
  const answer = await sendRaw(port.port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', 9_000);
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  expect(performance.now() - begun).toBeLessThan(4_000);
});

test('the organization is known by its domain, also by that of its API, and by its id', () => {
  const id = '6fb0a1c4-33d7-4c6e-9a0e-52a9f1c77e01';
  const own = (name: string, url = URL): boolean => isOwnOrganization(name, url, id);
  expect(own('CONTOSO.crm.dynamics.com')).toBe(true);
  expect(own('https://contoso.crm.dynamics.com/')).toBe(true);
  expect(own('contoso.crm.dynamics.com', 'https://contoso.api.crm.dynamics.com')).toBe(true);
  expect(own('127.0.0.1', 'http://127.0.0.1:8420')).toBe(true);
  expect(own('127.0.0.1:8420', 'http://127.0.0.1:8420')).toBe(true);
  expect(own(`{${id.toUpperCase()}}`)).toBe(true);
  expect(own('contoso')).toBe(false);
  expect(own('')).toBe(false);
  expect(own('contoso.crm.dynamics.com.evil.example')).toBe(false);
  expect(isOwnOrganization('undefined', URL, undefined)).toBe(false);
});
