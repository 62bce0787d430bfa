import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, getCACertificates, setDefaultCACertificates, type Server } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openDataverse, type Dataverse } from '../../src/dataverse/dataverse.ts';
import { readEnvironment } from '../../src/dataverse/metadata/environment.ts';
import type { Failure } from '../../src/model/failure.ts';
import { freePort, openBench, type Bench } from '../support/bench.ts';
import { openConnectProxy, type ConnectProxy } from '../support/connect-proxy.ts';
import { runCheck } from '../support/check-document.ts';
import { failureOf } from '../support/cluster-support.ts';
import { QUICK_TIME } from '../support/in-quick-time.ts';
import { loggedCodes } from '../support/command-line.ts';
import { silent } from '../support/mirror.ts';
import { CERTIFICATE, openTokenAuthority, type TokenAuthority } from '../support/token-authority.ts';

const SECRET = 'canary~client.secret';
const IDENTITY = 'clerk:canary~proxy.password';

let bench: Bench;
let authority: TokenAuthority;
let front: Server;
let proxy: ConnectProxy;
let url: string;
let signIn: Record<string, string>;
const trusted = getCACertificates('default');

beforeAll(async () => {
  setDefaultCACertificates([...trusted, readFileSync(CERTIFICATE, 'utf8')]);
  bench = await openBench(['account'], { DATAVERSE_ACCESS_TOKEN: '' });
  const { settings, store } = bench.emulator;
  store.seed('account', 40);
  settings.clientSecret = SECRET;
  front = await tlsFront(Number(new URL(bench.url).port));
  url = `https://localhost:${(front.address() as AddressInfo).port}`;
  settings.publicOrigin = url;
  authority = await openTokenAuthority(bench.url, url);
  signIn = {
    DATAVERSE_URL: url,
    AZURE_AUTHORITY_HOST: authority.url,
    AZURE_TENANT_ID: settings.tenantId,
    AZURE_CLIENT_ID: '9f0c2e58-5a39-4c38-b1a5-1f7f5a3c1d11',
    AZURE_CLIENT_SECRET: SECRET,
    NODE_EXTRA_CA_CERTS: CERTIFICATE,
  };
});
beforeEach(async () => {
  proxy = await openConnectProxy();
  return async () => proxy[Symbol.asyncDispose]();
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  await authority[Symbol.asyncDispose]();
  front.close();
  await bench[Symbol.asyncDispose]();
});

/** The environment under https: at this machine. */
async function tlsFront(emulatorPort: number): Promise<Server> {
  const key = readFileSync(join(CERTIFICATE, '..', 'localhost-key.pem'));
  const server = createServer({ key, cert: readFileSync(CERTIFICATE) }, (client) => {
    const upstream = connect(emulatorPort, '127.0.0.1');
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function open(proxyUrl: string, requestTimeout = 5_000): Dataverse {
  return openDataverse(
    {
      url,
      signIn: { method: 'access-token', token: 'emulator-token' },
      limits: { requestsPer5Minutes: 6_000, concurrency: 8, requestTimeout },
      userAgent: 'test',
      proxy: { url: proxyUrl, exceptions: [] },
    },
    silent,
  );
}

async function refusal(proxyUrl: string): Promise<Failure> {
  const dataverse = open(proxyUrl);
  // As short as chance lets the rests be.
  const random = vi.spyOn(Math, 'random').mockReturnValue(0);
  try {
    const failure = await failureOf(readEnvironment(dataverse.client, new AbortController().signal));
    expect(`${failure.message} ${failure.remedy} ${JSON.stringify(failure.details)}`).not.toContain('canary');
    return failure;
  } finally {
    random.mockRestore();
    await dataverse.close();
  }
}

const withIdentity = (): string => proxy.url.replace('://', `://${IDENTITY}@`);

it('a sync goes by the proxy of HTTPS_PROXY for sign-in and rows, and the proxy sees neither token nor secret', async () => {
  proxy.identity = IDENTITY;
  const environment = { ...signIn, HTTPS_PROXY: withIdentity(), MIRRORVERSE_LOG_LEVEL: 'trace' };
  const { status, stderr } = await bench.cli.run(['sync'], environment);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(new Set(proxy.targets)).toEqual(new Set([new URL(url).host, new URL(authority.url).host]));
  // Connections are kept alive: there are more requests than tunnels.
  expect(proxy.targets.filter((target) => target === new URL(url).host).length).toBeLessThan(
    bench.emulator.requests.count({}),
  );
  expect(authority.tokens).toHaveLength(1);
  for (const secret of [SECRET, 'Bearer', ...authority.tokens]) {
    expect(proxy.received()).not.toContain(secret);
  }
  expect(stderr).not.toContain('proxy.password');
  expect(stderr).not.toContain(Buffer.from(IDENTITY).toString('base64'));
});

it('check names the proxy by which the environment is reached', async () => {
  const { findings } = await runCheck(bench.cli, { ...signIn, HTTPS_PROXY: proxy.url });
  const found = findings.find(({ id }) => id === 'dataverse.sign-in');
  expect(found).toMatchObject({ ok: true });
  expect(found?.message).toContain(`by the proxy 127.0.0.1:${proxy.port}`);
});

it('an address in NO_PROXY is reached without the proxy', async () => {
  const environment = { ...signIn, https_proxy: proxy.url, no_proxy: 'elsewhere.corp,localhost' };
  expect(await bench.cli.run(['tables'], environment)).toMatchObject({ status: 0 });
  expect(proxy.targets).toEqual([]);
});

it('a proxy that refuses the sign-in host is named, and the command does not call the secret wrong', async () => {
  proxy.conduct = 403;
  const { status, stderr } = await bench.cli.run(['tables'], { ...signIn, HTTPS_PROXY: proxy.url });
  expect(status).toBe(1);
  expect(loggedCodes(stderr)).toContain('proxy-refused');
  expect(stderr).toContain(
    `The proxy 127.0.0.1:${proxy.port} refuses connections to ${new URL(authority.url).host}`,
  );
});

it('a proxy that says nothing does not keep a command waiting', async () => {
  proxy.conduct = 'hang';
  const environment = { ...signIn, ...QUICK_TIME, HTTPS_PROXY: proxy.url, AZURE_CLIENT_SECRET: '' };
  const { status, stderr } = await bench.cli.run(['tables'], {
    ...environment,
    DATAVERSE_ACCESS_TOKEN: 'emulator-token',
  });
  expect(status).toBe(1);
  expect(loggedCodes(stderr)).toContain('proxy-unreachable');
  expect(stderr).toContain(`The proxy 127.0.0.1:${proxy.port} does not answer`);
});

it('a proxy that wants a password says so, and a wrong one is told from a missing one', async () => {
  proxy.identity = 'clerk:other';
  expect(await refusal(proxy.url)).toMatchObject({
    code: 'proxy-refused',
    reaction: 'stop-table',
    message: `The proxy 127.0.0.1:${proxy.port} asks for a user and a password (status 407).`,
  });
  expect(await refusal(withIdentity())).toMatchObject({
    code: 'proxy-refused',
    message: `The proxy 127.0.0.1:${proxy.port} refused the user and password of HTTPS_PROXY (status 407).`,
  });
});

it('a proxy that forbids the host, has no connection to it, or is not there is named', async () => {
  proxy.conduct = 403;
  const host = new URL(url).host;
  const forbidden = await refusal(withIdentity());
  expect(forbidden).toMatchObject({ code: 'proxy-refused', reaction: 'stop-table' });
  expect(forbidden.message).toContain(`127.0.0.1:${proxy.port} refuses connections to ${host}`);
  proxy.conduct = 502;
  const away = await refusal(withIdentity());
  expect(away).toMatchObject({ code: 'proxy-unreachable', reaction: 'retry' });
  expect(away.message).toContain(`no connection to ${host} (status 502)`);
  const port = await freePort();
  const gone = await refusal(`http://${IDENTITY}@127.0.0.1:${port}`);
  expect(gone).toMatchObject({ code: 'proxy-unreachable', reaction: 'retry' });
  expect(gone.message).toContain(`127.0.0.1:${port} does not answer`);
});

it('a request in a tunnel ends with its signal and with its time limit, and the next one goes on', async () => {
  const dataverse = open(proxy.url, 300);
  const read = async (signal: AbortSignal): Promise<unknown> => readEnvironment(dataverse.client, signal);
  try {
    await read(new AbortController().signal);
    const hang = bench.emulator.faults.add({ match: { path: 'WhoAmI' }, do: { delayMs: 60_000 } });
    const controller = new AbortController();
    const stopped = read(controller.signal);
    while (hang.hits === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    const late = read(new AbortController().signal);
    while (hang.hits < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    bench.emulator.faults.clear();
    expect(await late).toMatchObject({ url });
  } finally {
    await dataverse.close();
  }
});
