import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, loggedCodes, logLines } from '../support/command-line.ts';
import { allDifferences, MIRRORED } from '../support/oracle.ts';
import { openBench, type Bench, syncJson } from '../support/bench.ts';
import { failedFinding, runCheck } from '../support/check-document.ts';
import { QUICK_TIME } from '../support/in-quick-time.ts';
import { CERTIFICATE, openTokenAuthority, type TokenAuthority } from '../support/token-authority.ts';

const SECRET = 'canary~client.secret';
const NEXT_SECRET = 'canary~next.secret';
const WRONG_SECRET = 'canary~wrong.secret';
const READY_TOKEN = 'canary.ready.token';
const DATABASE_PASSWORD = 'canary~password';
const CLIENT = '9f0c2e58-5a39-4c38-b1a5-1f7f5a3c1d11';

let bench: Bench;
let authority: TokenAuthority;
let signIn: Record<string, string>;
let connections: string;

beforeAll(async () => {
  bench = await openBench(MIRRORED, { DATAVERSE_ACCESS_TOKEN: '', MIRRORVERSE_LOG_LEVEL: 'trace' });
  const { emulator, cli } = bench;
  authority = await openTokenAuthority(bench.url);
  for (const table of MIRRORED) emulator.store.seed(table, 3);
  emulator.settings.clientSecret = SECRET;
  emulator.settings.clientId = CLIENT;
  connections = join(cli.directory, 'connections');
  signIn = {
    AZURE_AUTHORITY_HOST: authority.url,
    AZURE_TENANT_ID: emulator.settings.tenantId,
    AZURE_CLIENT_ID: CLIENT,
    AZURE_CLIENT_SECRET: SECRET,
    NODE_EXTRA_CA_CERTS: CERTIFICATE,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'record-connections.ts')}`,
    CONNECTIONS_FILE: connections,
  };
});
afterAll(async () => {
  await authority[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
beforeEach(() => {
  authority.forms.length = 0;
  bench.emulator.requests.clear();
  bench.emulator.settings.onPage = null;
});

// The last tests look back at what the ones before them did.
describe('signing in with a client secret', () => {
  it('the sign-in takes one token for all tables, for the environment and nothing else', async () => {
    const { cli, emulator, database } = bench;
    expect(await cli.run(['sync'], signIn)).toMatchObject({ status: 0 });
    expect(await allDifferences(emulator.store, database)).toEqual([]);
    expect(authority.forms).toHaveLength(1);
    const form = Object.fromEntries(authority.forms[0] ?? []);
    expect(form).toMatchObject({
      grant_type: 'client_credentials',
      client_id: CLIENT,
      scope: `${bench.url}/.default`,
    });
    expect(authority.paths.every((path) => path.startsWith(`/${emulator.settings.tenantId}/`))).toBe(true);
  });

  it('the sign-in is repeated once when the token is revoked while tables are read', async () => {
    const { cli, emulator, database } = bench;
    let revoked = false;
    emulator.settings.onPage = () => {
      if (!revoked) emulator.settings.revokeTokens();
      revoked = true;
    };
    emulator.store.insert('account', { name: 'after the token was revoked' });
    expect(await cli.run(['backfill', '--restart'], signIn)).toMatchObject({ status: 0 });
    expect(await allDifferences(emulator.store, database)).toEqual([]);
    expect(emulator.requests.count({ status: 401 })).toBeGreaterThan(0);
    expect(authority.forms).toHaveLength(2);
  });

  it('the sign-in reads the secret from the file that AZURE_CLIENT_SECRET_FILE names', async () => {
    const file = await bench.cli.file('secret', `${SECRET}\n`);
    const environment = { ...signIn, AZURE_CLIENT_SECRET: '', AZURE_CLIENT_SECRET_FILE: file };
    expect(await bench.cli.run(['sync', 'account'], environment)).toMatchObject({ status: 0 });
  });

  it('a wrong secret ends the command after a handful of requests, and the message names the variable to change', async () => {
    const environment = { ...signIn, AZURE_CLIENT_SECRET: WRONG_SECRET };
    const { status, stderr } = await bench.cli.run(['sync'], environment);
    expect(status).toBe(1);
    expect(loggedCodes(stderr)).toContain('sign-in-failed');
    expect(logLines(stderr).at(-1)?.['remedy']).toContain('AZURE_CLIENT_SECRET');
    expect(authority.forms.length).toBeLessThanOrEqual(3);

    const finding = failedFinding(await runCheck(bench.cli, environment), 'dataverse.sign-in');
    expect(finding).toMatchObject({ code: 'sign-in-failed' });
    expect(finding.remedy).toContain('AZURE_CLIENT_SECRET');
  });

  it('a sign-in service that cannot be reached is reported as such', async () => {
    const environment = { ...signIn, AZURE_AUTHORITY_HOST: 'https://localhost:9' };
    const { status, stderr } = await bench.cli.run(['tables'], environment);
    expect(status).toBe(1);
    expect(loggedCodes(stderr)).toContain('sign-in-unreachable');
    expect(stderr).toContain('localhost:9 cannot be reached (ECONNREFUSED)');
  });

  it('a ready token that is refused is named by its variable, and the message says what is wrong with it', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: 1_000 })).toString('base64url');
    const file = await bench.cli.file('token', `canary.${claims}.canary`);
    const finding = failedFinding(
      await runCheck(bench.cli, { DATAVERSE_ACCESS_TOKEN_FILE: file }),
      'dataverse.sign-in',
    );
    expect(finding).toMatchObject({ code: 'sign-in-refused' });
    expect(finding.message).toContain('DATAVERSE_ACCESS_TOKEN_FILE ended at 1970-01-01T00:16:40Z');
  });

  it('a secret that is replaced in its file while the daemon runs serves the next token, without a restart', async () => {
    const { cli, emulator, database } = bench;
    const file = await cli.file('rotated', SECRET);
    const daemon = cli.start(['run'], {
      ...signIn,
      AZURE_CLIENT_SECRET: '',
      AZURE_CLIENT_SECRET_FILE: file,
      MIRRORVERSE_SCHEDULE: '* * * * * *',
    });
    await daemon.logged(({ msg }) => msg === 'Mirroring.');
    await writeFile(file, `${NEXT_SECRET}\n`);
    emulator.settings.clientSecret = NEXT_SECRET;
    emulator.settings.revokeTokens();
    emulator.store.insert('account', { name: 'after the secret was replaced' });
    await eventually(async () => (await allDifferences(emulator.store, database)).length === 0);
    expect(authority.forms.at(-1)?.get('client_secret')).toBe(NEXT_SECRET);
    expect(await daemon.stop('SIGTERM')).toMatchObject({ status: 0 });
    emulator.settings.clientSecret = SECRET;
  });

  it('the sign-in asks no host but this machine', async () => {
    const hosts = new Set((await readFile(connections, 'utf8')).trim().split('\n'));
    expect([...hosts].filter((host) => !['localhost', '127.0.0.1', '::1'].includes(host))).toEqual([]);
    expect(hosts).toContain('localhost');
  });

  it('the sign-in shows no secret, token or link, whatever fails and however much is logged', async () => {
    const { cli, emulator, database } = bench;
    const url = new URL(database.url);
    url.password = DATABASE_PASSWORD;
    await cli.run(['sync'], { ...signIn, DATABASE_URL: `${url.href}_missing` });
    await cli.run(['sync'], { DATAVERSE_ACCESS_TOKEN: READY_TOKEN });
    const trouble = [
      { table: 'account', do: { status: 400, code: '0x80040224' } },
      { table: 'contact', do: { body: '<html>' } },
      { table: 'lead', do: { redirectTo: 'https://elsewhere.example/' } },
      { table: 'task', do: { transformText: (text: string) => text.slice(0, -9) } },
    ];
    for (const { table, do: action } of trouble)
      emulator.faults.add({ match: { kind: 'delta', table }, do: action });
    // Most of this pass is pauses before the next try.
    const quick = { ...signIn, NODE_OPTIONS: `${signIn['NODE_OPTIONS']} ${QUICK_TIME.NODE_OPTIONS}` };
    const { status, tables } = await syncJson(cli, ['sync'], quick);
    expect(status).toBe(1);
    expect(tables.filter(({ error }) => error !== null)).toHaveLength(trouble.length);
    emulator.faults.clear();
    await cli.run(['status', '--json'], signIn);

    const links = await database.query<{ link: string }>('SELECT link FROM mirrorverse.tables');
    const deltaTokens = links.map(({ link }) => new URL(link).searchParams.get('$deltatoken') ?? '');
    const hidden = [
      SECRET,
      NEXT_SECRET,
      WRONG_SECRET,
      READY_TOKEN,
      DATABASE_PASSWORD,
      ...authority.tokens,
      ...deltaTokens,
    ];
    expect(deltaTokens.every((token) => token.length > 5)).toBe(true);
    const shown = cli.outputs.join('\n');
    expect(hidden.filter((text) => shown.includes(text) || shown.includes(encodeURIComponent(text)))).toEqual(
      [],
    );
    expect(shown).not.toContain('deltatoken');
  });
});
