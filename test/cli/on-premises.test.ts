import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ledger } from '../../src/emulator/tables/ledger.ts';
import { openBench, syncJson, type Bench } from '../support/bench.ts';
import { isMirrored } from '../support/oracle.ts';

let bench: Bench;
/** The address of the organization. */
let address: string;

beforeAll(async () => {
  bench = await openBench([], { MIRRORVERSE_TABLES: '', DATAVERSE_ACCESS_TOKEN: '' });
  address = `${bench.url}/contoso`;
  bench.emulator.store.addTable(ledger({ changeTrackingEnabled: false }));
  bench.emulator.store.seed('account', 30);
});
afterAll(async () => bench[Symbol.asyncDispose]());
beforeEach(() => {
  const { settings, faults } = bench.emulator;
  settings.onPremises = { path: '/contoso', newest: 1, newerVersion: 501 };
  settings.adfsResource = `${address}/`;
  faults.clear();
});

/** Variables of an environment on premises with AD FS. The secret is that of the emulator. */
const variables = (): Record<string, string> => ({
  DATAVERSE_URL: address,
  AZURE_AUTHORITY_HOST: `${bench.url}/adfs`,
  AZURE_CLIENT_ID: 'daemon',
  AZURE_CLIENT_SECRET: 'emulator-secret',
});

async function configure(dataverse = 'apiVersion: v9.1', tables = '[account]'): Promise<void> {
  await bench.cli.file('mirrorverse.yaml', `dataverse: { ${dataverse} }\nlabels: false\ntables: ${tables}\n`);
}

interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly message: string;
  readonly remedy: string | null;
}

async function findings(more: Record<string, string> = {}): Promise<Record<string, Finding>> {
  const { document } = await bench.cli.json(['check'], { ...variables(), ...more });
  const found = (document as { findings: Finding[] }).findings;
  return Object.fromEntries(found.map((finding) => [finding.id, finding]));
}

test('an environment on premises is mirrored by version 9.1 below its path, with a token of AD FS, and its deltas are followed', async () => {
  await configure();
  const { emulator, database, cli } = bench;
  const first = await syncJson(cli, ['sync'], { ...variables(), MIRRORVERSE_PAGE_SIZE: '10' });
  expect(first).toMatchObject({ status: 0, tables: [{ table: 'account', error: null, rowsRead: 30 }] });
  emulator.store.seed('account', 3);
  const next = await syncJson(cli, ['sync'], variables());
  expect(next).toMatchObject({ status: 0, tables: [{ phase: 'delta', rowsWritten: 3 }] });
  expect(await isMirrored(emulator.store, database, ['account'])).toBe(true);
  const [token] = emulator.requests.find({ kind: 'token' });
  expect(token?.path).toBe('/adfs/oauth2/token');
  const calls = emulator.requests.find({}).filter(({ hasAuthorization }) => hasAuthorization);
  expect(calls.filter(({ path }) => !path.startsWith('/contoso/api/data/v9.1/'))).toEqual([]);
});

test('check says where the Web API is not, and which setting names another version', async () => {
  await configure('auth: default');
  bench.emulator.settings.onPremises = { path: '/contoso', newest: 1, newerVersion: 404 };
  const { 'dataverse.sign-in': signIn } = await findings();
  expect(signIn).toMatchObject({ ok: false });
  expect(signIn?.message).toContain(`${address}/api/data/v9.2/`);
  expect(signIn?.remedy).toContain('dataverse.apiVersion: v9.1');
});

test('check finds a virtual table without TableType, and says what an environment on premises cannot serve', async () => {
  bench.emulator.settings.adfsResource = 'https://auth.contoso.com/';
  await configure(
    'apiVersion: "9.1", resource: "https://auth.contoso.com/"',
    '[account, mserp_ledgerjournal, new_untracked]',
  );
  const found = await findings();
  expect(found['dataverse.sign-in']).toMatchObject({ ok: true });
  expect(found['table.account']).toMatchObject({ ok: true });
  expect(found['table.mserp_ledgerjournal']?.message).toContain('virtual');
  expect(found['table.new_untracked']?.message).toContain('Change tracking is off');
});

test('a link that leaves the organization is not followed, and another organization of the server never gets the token', async () => {
  await configure();
  const { emulator, cli } = bench;
  // test/unit/origin.test.ts has the other ways to write such a link.
  const other = '/contoso/..%2fother/api/data/v9.1/accounts?$deltatoken=1';
  emulator.faults.add({
    match: { kind: 'delta' },
    do: { transform: (json) => ({ ...(json as object), '@odata.deltaLink': bench.url + other }) },
  });
  emulator.requests.clear();
  const { tables } = await syncJson(cli, ['sync'], variables());
  expect(tables[0]?.error).toMatchObject({ code: 'foreign-link' });
  expect(emulator.requests.find({}).filter(({ path }) => path.includes('other'))).toEqual([]);
});

test('a sign-in that AD FS refuses is told with its words and without the secret', async () => {
  await configure();
  const wrong = await findings({ AZURE_CLIENT_SECRET: 'a-wrong-secret' });
  expect(wrong['dataverse.sign-in']).toMatchObject({ ok: false });
  expect(wrong['dataverse.sign-in']?.message).toContain('invalid_client: MSIS9607');
  expect(JSON.stringify(wrong)).not.toContain('a-wrong-secret');
  bench.emulator.settings.adfsResource = 'https://auth.contoso.com/';
  expect((await findings())['dataverse.sign-in']?.remedy).toContain('dataverse.resource');
});
