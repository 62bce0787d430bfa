import { afterAll, beforeAll, expect, test } from 'vitest';
import { ledger } from '../../src/emulator/tables/ledger.ts';
import { openBench, type Bench } from '../support/bench.ts';

const TRACKED = 'mserp_ledgerjournal';
const UNTRACKED = 'mserp_vendor';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench(['account', TRACKED]);
  const { store } = bench.emulator;
  store.addTable(ledger());
  store.addTable(ledger({ schemaName: 'mserp_Vendor', changeTrackingEnabled: false }));
  store.seed(TRACKED, 12);
  store.seed('account', 4);
});
afterAll(async () => bench[Symbol.asyncDispose]());

interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly message: string;
  readonly remedy: string | null;
}

async function findings(table: string, tables: string): Promise<Finding[]> {
  const { document } = await bench.cli.json(['check'], { MIRRORVERSE_TABLES: tables });
  return (document as { findings: Finding[] }).findings.filter(({ id }) => id.startsWith(`table.${table}`));
}

test('check says that a virtual table gives delta links, and that the read point leaves it out', async () => {
  const told = await findings(TRACKED, TRACKED);
  expect(told.every(({ ok }) => ok)).toBe(true);
  expect(told.find(({ id }) => id.endsWith('.counter'))?.message).toMatch(
    /virtual table that gives delta links/,
  );
});

test('check refuses a virtual table without change tracking, and one that gives no delta link, each with its remedy', async () => {
  const [untracked] = await findings(UNTRACKED, UNTRACKED);
  expect(untracked).toMatchObject({ ok: false });
  expect(untracked?.remedy).toMatch(/mode: snapshot.*Allow Row Version Change Tracking/s);
  bench.emulator.settings.virtualTables = 'no-link';
  const [linkless] = await findings(TRACKED, TRACKED);
  bench.emulator.settings.virtualTables = 'tracked';
  expect(linkless).toMatchObject({ ok: false });
  expect(linkless?.message).toContain('gives no delta link');
  expect(linkless?.remedy).toContain('mode: snapshot');
});

test('tables tells the kind of each table, and brings a virtual table by a pattern only if it is tracked', async () => {
  const { document } = await bench.cli.json(['tables'], { MIRRORVERSE_TABLES: 'account,mserp_*' });
  const { tables } = document as { tables: { table: string; kind: string; mirrored: boolean }[] };
  const told = Object.fromEntries(tables.map(({ table, kind, mirrored }) => [table, `${kind} ${mirrored}`]));
  expect(told).toMatchObject({
    account: 'standard true',
    [TRACKED]: 'virtual true',
    [UNTRACKED]: 'virtual false',
    aaduser: 'virtual false',
  });
});

test('columns tells that a table is virtual', async () => {
  const { document } = await bench.cli.json(['columns', TRACKED]);
  expect(document).toMatchObject({ kind: 'virtual' });
  expect((await bench.cli.run(['columns', TRACKED])).stdout).toContain('It is a virtual table');
});

test('plan tells that a table is virtual, counts the others beside it, and asks for its delta link before a load', async () => {
  const { document } = await bench.cli.json(['plan']);
  expect(document).toMatchObject({
    tables: [
      { table: 'account', kind: 'standard', rows: 4 },
      { table: TRACKED, kind: 'virtual', load: 'baseline', error: null },
    ],
  });
  expect((await bench.cli.run(['plan', TRACKED])).stdout).toMatch(/virtual table, create the table with/);
  bench.emulator.settings.virtualTables = 'refused';
  const refused = await bench.cli.json(['plan', TRACKED]);
  bench.emulator.settings.virtualTables = 'tracked';
  expect(refused.status).toBe(1);
  expect(refused.document).toMatchObject({ tables: [{ error: { code: 'virtual-untracked' } }] });
});

test('verify says that every value of a virtual table was compared', async () => {
  await bench.cli.run(['sync']);
  const { status, document } = await bench.cli.json(['verify']);
  expect(status).toBe(0);
  expect(document).toMatchObject({
    ok: true,
    tables: [
      { table: 'account', method: 'sweep', hasVersions: true },
      { table: TRACKED, method: 'values', hasVersions: false, throughVersion: null, rows: 12 },
    ],
  });
  expect((await bench.cli.run(['verify'])).stdout).toContain('Its rows have no versions');
});
