import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TablePlan } from '../../src/operations/table-plan.ts';
import { runCheck } from '../support/check-document.ts';
import { CommandLine } from '../support/command-line.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const ACCOUNT = ['account'];
const SOFT: SyncOptions = { softDeletes: true };
const ASKING = { maxShare: 0.2, atLeast: 2 };

let bench: SyncBench;
beforeAll(async () => {
  bench = await SyncBench.open({}, 'administrator');
});
afterAll(async () => bench[Symbol.asyncDispose]());

// Each begins with a table that the state knows nothing of.
beforeEach(async () => {
  const { store } = bench.emulator;
  for (const { id } of store.rows('account')) store.remove('account', id);
  await bench.database.query(
    `DROP SCHEMA IF EXISTS dataverse CASCADE; DROP SCHEMA IF EXISTS mirrorverse CASCADE`,
  );
});

async function rows(condition = 'true'): Promise<number> {
  return (await bench.database.query(`SELECT FROM dataverse.account WHERE ${condition}`)).length;
}

/** A mirror with soft deletes, and rows that are marked in it. */
async function marked(count: number): Promise<string[]> {
  const { store } = bench.emulator;
  const ids = store.seed('account', 10);
  expect(failures(await bench.sync(ACCOUNT, SOFT))).toEqual({});
  for (const id of ids.slice(0, count)) store.remove('account', id);
  expect(failures(await bench.sync(ACCOUNT, SOFT))).toEqual({});
  expect(await rows('_deleted_at IS NOT NULL')).toBe(count);
  return ids;
}

describe('deletes that were soft and are hard now', () => {
  it('a table that changed from soft to hard deletes loses its marked rows within the limits of a sweep, and counts them', async () => {
    await marked(3);
    const [result] = await bench.sync(ACCOUNT);
    expect(result).toMatchObject({ failure: null, rowsDeleted: 3 });
    expect(await rows()).toBe(7);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('a table that changed from soft to hard deletes asks before it deletes more marked rows than a sweep may, and goes on meanwhile', async () => {
    const { store } = bench.emulator;
    const ids = await marked(4);
    const sync = async () => bench.sync(ACCOUNT, { sweep: ASKING });
    for (let pass = 0; pass < 2; pass++) {
      store.update('account', ids[5] ?? '', { name: `pass ${pass}` });
      const [result] = await sync();
      expect(result?.failure?.code).toBe('erasure-refused');
      expect(result?.failure?.details).toMatchObject({ marked: 4, rows: 10 });
      expect(result?.rowsDeleted).toBe(0);
      expect(await rows(`name = 'pass ${pass}'`)).toBe(1);
    }
    // A deletion is hard, a restoration takes its mark away, and a re-baseline sweeps no marked row.
    store.remove('account', ids[6] ?? '');
    store.restore('account', ids[0] ?? '');
    bench.emulator.settings.expireTokens();
    expect(failures(await sync())).toEqual({ account: 'erasure-refused' });
    expect(await rows('_deleted_at IS NOT NULL')).toBe(3);
    expect(await rows('_deleted_at IS NULL')).toBe(6);

    await bench.database.query('UPDATE mirrorverse.tables SET erasure_allowed = true');
    const [result] = await sync();
    expect(result).toMatchObject({ failure: null, rowsDeleted: 3 });
    expect(await differences(store, bench.database, 'account')).toEqual([]);
    expect(await rows()).toBe(6);
  });
});

describe('marked rows that wait for a confirmation', () => {
  it('marked rows that wait are shown by plan, and deleted after plan --apply', async () => {
    const { store } = bench.emulator;
    const ids = store.seed('account', 20);
    expect(failures(await bench.sync(ACCOUNT, SOFT))).toEqual({});
    for (const id of ids) store.remove('account', id);
    expect(failures(await bench.sync(ACCOUNT, SOFT))).toEqual({});
    await using cli = await CommandLine.open(mirrorEnvironment(bench, ACCOUNT));
    const planned = async (args: readonly string[]): Promise<TablePlan | undefined> =>
      ((await cli.json(['plan', ...args])).document as { tables: TablePlan[] }).tables[0];
    expect((await cli.run(['sync'])).status).toBe(1);
    expect((await cli.json(['status'])).document).toMatchObject({
      tables: [{ phase: 'attention', error: { code: 'erasure-refused' } }],
    });
    expect(await planned([])).toMatchObject({ marked: { marked: 20, rows: 20, allowed: false } });
    expect((await cli.run(['plan'])).stdout).toContain(
      'waits for a yes: delete 20 of 20 rows that are marked deleted',
    );
    expect(await rows()).toBe(20);
    expect(await planned(['--apply'])).toMatchObject({ marked: { marked: 20, allowed: true } });
    const { status, stderr } = await cli.run(['sync']);
    expect({ status, told: stderr.includes('20 deleted') }).toEqual({ status: 0, told: true });
    expect(await rows()).toBe(0);
    expect(await planned([])).toMatchObject({ marked: null });
  });
});

describe('processes of different settings', () => {
  it('processes with different settings both take the mark of a restored row away', async () => {
    const { store } = bench.emulator;
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    const ids = store.seed('account', 10);
    await using hard = await bench.session(ACCOUNT, { holder: 'hard', warn });
    await using soft = await bench.session(ACCOUNT, { holder: 'soft', softDeletes: true, warn });
    expect(failures(await hard.sync())).toEqual({});
    expect(failures(await soft.sync())).toEqual({});
    store.remove('account', ids[0] ?? '');
    expect(failures(await soft.sync())).toEqual({});
    expect(await rows('_deleted_at IS NOT NULL')).toBe(1);
    store.update('account', ids[1] ?? '', { name: 'changed' });
    expect(failures(await hard.sync())).toEqual({});
    // What the other marks is not deleted in turns.
    expect(await rows('_deleted_at IS NOT NULL')).toBe(1);
    store.restore('account', ids[0] ?? '');
    expect(failures(await hard.sync())).toEqual({});
    expect(await rows('_deleted_at IS NOT NULL')).toBe(0);
    expect(await rows()).toBe(10);
    expect(warnings.filter((text) => text.includes('by soft') && text.includes('by hard'))).not.toEqual([]);
    expect(warnings.join()).toContain('deletes: "soft" there, "hard" here');
  });

  it('processes with different settings that load a table in turns are reported by each of them, and by check', async () => {
    const { store } = bench.emulator;
    store.seed('account', 5);
    const told: string[] = [];
    const options = (holder: string, exclude: string[]): SyncOptions => ({
      holder,
      columns: { exclude },
      warn: (message) => void told.push(`${holder}: ${message}`),
    });
    await using one = await bench.session(ACCOUNT, options('one', []));
    await using two = await bench.session(ACCOUNT, options('two', ['description']));
    await using cli = await CommandLine.open(mirrorEnvironment(bench, ACCOUNT));
    expect(failures(await one.sync())).toEqual({});
    expect(failures(await two.sync())).toEqual({});
    expect(told.filter((text) => text.includes('other settings'))).toEqual([]);
    expect((await runCheck(cli)).ok).toBe(true);
    for (let turn = 0; turn < 2; turn++) {
      store.seed('account', 1);
      expect(failures(await one.sync())).toEqual({});
      expect(failures(await two.sync())).toEqual({});
    }
    const warnings = told.filter((text) => text.includes('with other settings'));
    expect(warnings).toEqual([
      expect.stringContaining('one: Table account is mirrored with other settings by two than by one'),
      expect.stringContaining('two: Table account is mirrored with other settings by one than by two'),
    ]);
    expect(warnings.join()).toContain('columns.exclude: ["description"] there, [] here');
    expect((await runCheck(cli)).findings.filter(({ ok }) => !ok)).toEqual([
      expect.objectContaining({
        id: 'table.account.settings',
        code: 'settings-differ',
        message: expect.stringContaining('by two and by one') as string,
      }),
    ]);
  });
});
