import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Churn } from '../../src/emulator/demo/churn.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { CommandLine } from '../support/command-line.ts';
import { FollowedLog } from '../support/driver/followed-log.ts';
import { seedOf } from '../support/driver/seeds.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { allDifferences } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';

const TABLES = ['account', 'contact'];

const SETTINGS = { MIRRORVERSE_PAGE_SIZE: '50', MIRRORVERSE_LEASE: '1s' };

async function commandLine(bench: SyncBench): Promise<CommandLine> {
  return CommandLine.open(mirrorEnvironment(bench, TABLES, SETTINGS));
}

/** Runs a sync and kills it some milliseconds after it asked for so many pages, unless it ends before. */
async function killedAt(bench: SyncBench, cli: CommandLine, { pages, milliseconds }: Moment): Promise<void> {
  const before = bench.dataRequests();
  const command = cli.start(['sync']);
  while (command.running && bench.dataRequests() < before + pages) await delay(2);
  await Promise.race([command.ended, delay(milliseconds)]);
  await command.stop('SIGKILL');
}

async function finished(cli: CommandLine): Promise<number | null> {
  return (await cli.run(['sync'])).status;
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
  it('kill -9 at any moment loses nothing, takes no row back, costs at most the pages in flight again, and leaves the change log complete', async () => {
    await using bench = await SyncBench.open();
    await using cli = await commandLine(bench);
    await cli.file('mirrorverse.yaml', 'feed: true\n');
    const log = new FollowedLog(bench.database, TABLES);
    const { store, requests } = bench.emulator;
    for (const table of TABLES) store.seed(table, 2_000);
    // Pages take a while, so that the kills meet them.
    bench.emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 20 } });
    const seed = seedOf(process.env);
    console.log(`SEED=${seed}`);
    const random = new Random(seed);
    let kills = 0;
    for (const moment of moments(random, 5)) {
      await killedAt(bench, cli, moment);
      kills++;
      await watchTables(bench);
      await log.follow();
    }
    expect(await finished(cli)).toBe(0);
    const pages = requests.count({ kind: 'baseline' }) + requests.count({ kind: 'next' });
    // 40 pages each; a kill costs the page being written and the one read ahead of it.
    expect(pages).toBeLessThanOrEqual(2 * 40 + kills * TABLES.length * 2);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
    expect(await log.compare()).toEqual([]);

    const churn = new Churn(store, random, TABLES);
    for (const moment of moments(random, 4)) {
      for (let change = 0; change < 300; change++) churn.step();
      await killedAt(bench, cli, moment);
      await log.follow();
    }
    expect(await finished(cli)).toBe(0);
    expect(await log.compare()).toEqual([]);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
    expect(await versionsThatWentDown(bench.database)).toEqual([]);
  }, 120_000);

  it('kill -9 in the middle of a re-baseline still ends in its sweep', async () => {
    await using bench = await SyncBench.open();
    await using cli = await commandLine(bench);
    const { store, settings } = bench.emulator;
    const ids = store.seed('account', 1_500);
    store.seed('contact', 10);
    expect(await finished(cli)).toBe(0);
    await watchTables(bench);
    for (const id of ids.slice(0, 300)) store.remove('account', id);
    settings.expireTokens();
    bench.emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 20 } });
    for (const moment of moments(new Random(5), 2)) await killedAt(bench, cli, moment);
    expect(await finished(cli)).toBe(0);
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
