import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Dataverse } from '../../src/dataverse/dataverse.ts';
import type { SignIn } from '../../src/dataverse/sign-in/sign-in-methods.ts';
import { createTokenSource } from '../../src/dataverse/sign-in/sign-in.ts';
import type { FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { describeError } from '../../src/model/error-description.ts';
import { leaks } from '../support/canaries.ts';
import { CERTIFICATE, openTokenAuthority, type TokenAuthority } from '../support/token-authority.ts';
import { allDifferences, MIRRORED } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const SECRET = 'the right secret';
/** Milliseconds for which a failed sign-in stands for all who ask. */
const REST = 5_000;

let bench: SyncBench;
let authority: TokenAuthority;
let dataverse: Dataverse;
let signIn: SignIn;
const trusted = getCACertificates('default');

beforeAll(() => setDefaultCACertificates([...trusted, readFileSync(CERTIFICATE, 'utf8')]));
afterAll(() => setDefaultCACertificates(trusted));
beforeEach(async () => {
  bench = await SyncBench.open();
  authority = await openTokenAuthority(bench.url);
  const { settings, store } = bench.emulator;
  settings.clientSecret = SECRET;
  settings.bearerTokens.clear();
  for (const table of MIRRORED) store.seed(table, 12);
  signIn = {
    method: 'client-secret',
    tenantId: settings.tenantId,
    clientId: '9f0c2e58-5a39-4c38-b1a5-1f7f5a3c1d11',
    clientSecret: SECRET,
    authorityHost: authority.url,
  };
  dataverse = bench.dataverse({ signIn });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await dataverse.close();
  await authority[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

/** Puts the clock ahead, to the end of the test: nobody waits any more after a sign-in that failed. */
function restIsOver(): void {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + REST);
}

const codes = (code: string, tables: readonly string[] = MIRRORED): Record<string, string> =>
  Object.fromEntries(tables.map((table) => [table, code]));

describe('a token', () => {
  it('a token that is withdrawn between two pages costs ten tables one sign-in', async () => {
    let pages = 0;
    bench.emulator.settings.onPage = () => {
      if (++pages === 8) bench.emulator.settings.revokeTokens();
    };
    expect(failures(await bench.sync(MIRRORED, { pageSize: 5, dataverse }))).toEqual({});
    expect(bench.emulator.requests.count({ status: 401 })).toBeGreaterThan(0);
    expect(authority.forms).toHaveLength(2);
    expect(await allDifferences(bench.emulator.store, bench.database)).toEqual([]);
  });

  it('a token that lives for a minute is used for more than one request', async () => {
    bench.emulator.settings.tokenLifetimeSeconds = 60;
    expect(failures(await bench.sync(MIRRORED, { dataverse }))).toEqual({});
    expect(authority.forms.length).toBeLessThanOrEqual(2);
  });

  it('a token that cannot be renewed is used to its end', async () => {
    bench.emulator.settings.tokenLifetimeSeconds = 200;
    let now = Date.now();
    const tokens = createTokenSource(signIn, bench.url, { now: () => now });
    const { signal } = new AbortController();
    const first = await tokens.token(signal);
    bench.emulator.faults.add({ match: { kind: 'token' }, do: { status: 503 } });
    now += 100_000;
    expect(await tokens.token(signal)).toBe(first);
    now += 200_000;
    await expect(tokens.token(signal)).rejects.toMatchObject({ code: 'sign-in-unreachable' });
  });

  it('a token that is always refused, such as one for another audience, stops each table after a handful of requests', async () => {
    bench.emulator.faults.add({ match: { path: '/api/data/' }, do: { status: 401 } });
    await using session = await bench.session(['account', 'contact', 'lead'], { dataverse });
    const results = await session.sync();
    expect(failures(results)).toEqual(codes('sign-in-refused', ['account', 'contact', 'lead']));
    expect(results[0]?.failure).toMatchObject({ reaction: 'stop-table' });
    expect(results[0]?.failure?.remedy).toContain('app registration');
    // A table that comes late may refuse the token that another table has renewed.
    expect(bench.emulator.requests.count({ status: 401 })).toBeLessThanOrEqual(3 * 6);
    expect(authority.forms.length).toBeLessThanOrEqual(3 * 3);
    bench.emulator.faults.clear();
    expect(failures(await session.sync())).toEqual({});
  });

  it('a token is asked for once, however many requests wait, and for the others too when the first of them gives up', async () => {
    bench.emulator.faults.add({ match: { kind: 'token' }, do: { delayMs: 500 } });
    const tokens = createTokenSource(signIn, bench.url);
    const first = new AbortController();
    const stopped = tokens.token(first.signal).catch((error: unknown) => error);
    const others = Array.from({ length: 20 }, async () => tokens.token(new AbortController().signal));
    await delay(100);
    first.abort(new Error('stopping'));
    expect(await stopped).toMatchObject({ message: 'stopping' });
    expect(new Set(await Promise.all(others)).size).toBe(1);
    expect(authority.forms).toHaveLength(1);
  });

  it('a token that never comes does not hold a request that is stopped', async () => {
    bench.emulator.faults.add({ match: { kind: 'token' }, do: { delayMs: 800 } });
    const tokens = createTokenSource(signIn, bench.url);
    const controller = new AbortController();
    const waiting = tokens.token(controller.signal).catch((error: unknown) => error);
    await delay(300);
    controller.abort(new Error('stopping'));
    expect(await waiting).toMatchObject({ message: 'stopping' });
    bench.emulator.faults.clear();
    expect(await tokens.token(new AbortController().signal)).toContain('.');
    // The answer that nobody waits for has its end before the server has.
    await delay(800);
  });
});

describe('signing in', () => {
  it('a revoked secret stops all tables by one request, and they go on without a restart once it is valid again', async () => {
    bench.emulator.settings.clientSecret = 'another';
    await using session = await bench.session(MIRRORED, { dataverse });
    const results = await session.sync();
    expect(failures(results)).toEqual(codes('sign-in-failed'));
    expect(results[0]?.failure).toMatchObject({ reaction: 'stop-table' });
    expect(results[0]?.failure?.remedy).toContain('AZURE_CLIENT_SECRET');
    expect(results[0]?.failure?.message).not.toContain(SECRET);
    expect(authority.forms.length).toBeLessThanOrEqual(3);
    bench.emulator.settings.clientSecret = SECRET;
    restIsOver();
    expect(failures(await session.sync())).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database)).toEqual([]);
  });

  const page = `<html>${SECRET}</html>`;
  const foreign: Readonly<Record<string, FaultAction>> = {
    'a page of a captive portal': { status: 200, html: true, body: page },
    'a page that forbids': { status: 403, html: true, body: page },
    'a page that is not found': { status: 404, html: true, body: page },
    'JSON of another shape': { status: 400, body: { message: SECRET, error: { code: SECRET } } },
    'a success that is no token': { status: 200, body: { ok: true } },
    'a redirect': { status: 302, redirectTo: `https://127.0.0.1:9/?${encodeURIComponent(SECRET)}` },
    'an error that passes': {
      status: 400,
      body: { error: 'temporarily_unavailable', error_description: SECRET },
    },
  };

  it('an answer of something else in place of the sign-in endpoint is tried again, not called a wrong secret, and not quoted', async () => {
    const kinds = ['token', 'openid'] as const;
    const cases = kinds.flatMap((kind) =>
      Object.entries(foreign).map(([what, action]) => ({ kind, what, action })),
    );
    await Promise.all(
      cases.map(async ({ kind, what, action }, at) => {
        // By the tenant each case is told from the others, which run beside it.
        const tenantId = `11111111-2222-4333-8444-${String(at).padStart(12, '0')}`;
        bench.emulator.faults.add({ match: { kind, path: tenantId }, do: action });
        const tokens = createTokenSource({ ...signIn, tenantId } as SignIn, bench.url);
        const failure = await tokens.token(new AbortController().signal).catch((error: unknown) => error);
        expect({ kind, what, failure }).toMatchObject({
          failure: { code: 'sign-in-unreachable', reaction: 'retry' },
        });
        expect(leaks(JSON.stringify([failure, describeError(failure)]) + String(failure), [SECRET])).toEqual(
          [],
        );
      }),
    );
  });

  it('a sign-in is repeated at once where a page came in place of the endpoint', async () => {
    const fault = { status: 200, html: true } as const;
    const portal = bench.emulator.faults.add({ match: { kind: 'token' }, times: 1, do: fault });
    expect(failures(await bench.sync(['account'], { dataverse }))).toEqual({});
    expect(portal.hits).toBe(1);
  });

  it('a sign-in refusal that quotes the secret shows the error and its number alone', async () => {
    bench.emulator.settings.clientSecret = 'another';
    const tokens = createTokenSource(signIn, bench.url);
    const failure = await tokens.token(new AbortController().signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'sign-in-failed', reaction: 'stop-table' });
    expect(String(failure)).toMatch(/invalid_client: AADSTS\d+: /);
    expect(leaks(JSON.stringify([failure, describeError(failure)]) + String(failure), [SECRET])).toEqual([]);
  });

  it.each([
    ['client-certificate', 'AZURE_CLIENT_CERTIFICATE_PATH', { certificatePath: '/none/canary' }],
    ['workload-identity', 'AZURE_FEDERATED_TOKEN_FILE', { tokenFilePath: '/none/canary' }],
  ] as const)(
    'a sign-in by %s with a file that is not there names %s and not its value',
    async (method, variable, file) => {
      const asked = { tenantId: 'tenant', clientId: 'client', method, ...file } as unknown as SignIn;
      const tokens = createTokenSource(asked, bench.url);
      const failure = await tokens.token(new AbortController().signal).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'sign-in-failed', reaction: 'stop-table' });
      expect(String(failure)).toContain(`${variable} names no file that can be read (ENOENT)`);
      expect(JSON.stringify([failure, describeError(failure)])).not.toContain('canary');
    },
  );

  it('a sign-in with a token file that has become UTF-16 names the variable, and goes on once the file is text again', async () => {
    const file = join(tmpdir(), `mirrorverse-token-${process.pid}`);
    try {
      await writeFile(file, Buffer.from(`\ufeff${SECRET}`, 'utf16le'));
      const tokens = createTokenSource(
        { method: 'access-token', token: 'first', tokenFile: file },
        bench.url,
      );
      const { signal } = new AbortController();
      tokens.refuse(await tokens.token(signal));
      await expect(tokens.token(signal)).rejects.toMatchObject({ code: 'sign-in-failed', reaction: 'retry' });
      await expect(tokens.token(signal)).rejects.toThrow(
        'DATAVERSE_ACCESS_TOKEN_FILE names a file that is not text in UTF-8',
      );
      await writeFile(file, 'second\r\n');
      expect(await tokens.token(signal)).toBe('second');
    } finally {
      await rm(file, { force: true });
    }
  });

  it('a sign-in endpoint that is down is tried again, not called a wrong secret', async () => {
    const down = bench.emulator.faults.add({ match: { kind: 'token' }, do: { status: 503 } });
    await using session = await bench.session(['account'], { dataverse });
    const [result] = await session.sync();
    expect(result?.failure).toMatchObject({ code: 'sign-in-unreachable', reaction: 'retry' });
    expect(authority.forms.length).toBeLessThanOrEqual(9);
    down.remove();
    restIsOver();
    expect(failures(await session.sync())).toEqual({});
  });
});

it('a privilege that one table lacks stops that table alone, with the role by name, and needs no restart once it is given', async () => {
  const { settings, requests } = bench.emulator;
  settings.deniedTables.add('lead');
  await using session = await bench.session(MIRRORED, { dataverse });
  const results = await session.sync();
  expect(failures(results)).toEqual({ lead: 'privilege-missing' });
  const failure = results.find(({ table }) => table === 'lead')?.failure;
  expect(failure).toMatchObject({ reaction: 'stop-table' });
  expect(failure?.remedy).toContain('security role');
  expect(requests.count({ table: 'lead', status: 403 })).toBe(1);
  expect(authority.forms).toHaveLength(1);
  settings.deniedTables.clear();
  expect(failures(await session.sync())).toEqual({});
  expect(await allDifferences(bench.emulator.store, bench.database)).toEqual([]);
});
