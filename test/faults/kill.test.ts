import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Churn } from '../../src/emulator/churn.ts';
import { Random } from '../../src/emulator/random.ts';
import { allDifferences } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';

const TABLES = ['account', 'contact'];
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

function sync(bench: SyncBench): ChildProcess {
  return spawn(process.execPath, [MAIN, 'sync'], {
    env: {
      PATH: process.env['PATH'],
      DATAVERSE_URL: bench.url,
      DATAVERSE_ACCESS_TOKEN: 'emulator-token',
      DATABASE_URL: bench.database.url,
      MIRRORVERSE_TABLES: TABLES.join(','),
      MIRRORVERSE_PAGE_SIZE: '50',
      MIRRORVERSE_LEASE: '1s',
    },
    stdio: 'ignore',
  });
}

/** Runs a sync and kills it some milliseconds after it asked for so many pages, unless it ends before. */
async function killedAt(bench: SyncBench, { pages, milliseconds }: Moment): Promise<void> {
  const before = bench.dataRequests();
  const child = sync(bench);
  const ended = once(child, 'close');
  while (child.exitCode === null && bench.dataRequests() < before + pages) await delay(2);
  await Promise.race([ended, delay(milliseconds)]);
  child.kill('SIGKILL');
  await ended;
}

async function finished(bench: SyncBench): Promise<number | null> {
  const child = sync(bench);
  await once(child, 'close');
  return child.exitCode;
}

interface Moment {
  readonly pages: number;
  readonly milliseconds: number;
}

function moments(random: Random, count: number): Moment[] {
  return Array.from({ length: count }, () => ({
    pages: random.integer(1, 12),
    milliseconds: random.integer(0, 60),
  }));
}

describe('kill -9', () => {
  it('at any moment loses nothing, takes no row back, and fetches at most the pages in flight again', async () => {
    await using bench = await SyncBench.open();
    const { store, requests } = bench.emulator;
    for (const table of TABLES) store.seed(table, 2_000);
    // Pages take a while, so that the kills meet them.
    bench.emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 20 } });
    const seed = Date.now() % 1_000_000;
    console.log(`seed of the kills: ${seed}`);
    const random = new Random(seed);
    let kills = 0;
    for (const moment of moments(random, 5)) {
      await killedAt(bench, moment);
      kills++;
      await watchTables(bench);
    }
    expect(await finished(bench)).toBe(0);
    const pages = requests.count({ kind: 'baseline' }) + requests.count({ kind: 'next' });
    // 40 pages each; a kill costs the page being written and the one read ahead of it.
    expect(pages).toBeLessThanOrEqual(2 * 40 + kills * TABLES.length * 2);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);

    const churn = new Churn(store, random, TABLES);
    for (const moment of moments(random, 4)) {
      for (let change = 0; change < 300; change++) churn.step();
      await killedAt(bench, moment);
    }
    expect(await finished(bench)).toBe(0);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
    expect(await versionsThatWentDown(bench.database)).toEqual([]);
  }, 120_000);

  it('in the middle of a re-baseline still ends in its sweep', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    const ids = store.seed('account', 1_500);
    store.seed('contact', 10);
    expect(await finished(bench)).toBe(0);
    await watchTables(bench);
    for (const id of ids.slice(0, 300)) store.remove('account', id);
    settings.expireTokens();
    bench.emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 20 } });
    for (const moment of moments(new Random(5), 2)) await killedAt(bench, moment);
    expect(await finished(bench)).toBe(0);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
    expect(await versionsThatWentDown(bench.database)).toEqual([]);
  }, 120_000);
});

/** Watches the tables that are there already. */
async function watchTables(bench: SyncBench): Promise<void> {
  const found = await bench.database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('dataverse') AND relname = ANY ($1)`,
    [TABLES],
  );
  for (const { name } of found) await watchVersions(bench.database, name, `${name}id`);
}
