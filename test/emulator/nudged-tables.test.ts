import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { NudgeInbox } from '../../src/sync/nudges/nudge-inbox.ts';
import { dataRequests } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { BenchDaemon } from '../support/daemon.ts';
import { isMirrored } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { SyncBench } from '../support/sync.ts';

const HOURLY = '0 0 * * *';
const HOUR = 3_600_000;

const mirrors = async ({ emulator, database }: SyncBench, table: string): Promise<boolean> =>
  isMirrored(emulator.store, database, [table]);

/** A bench with small tables, and a daemon over some of them that polls once a day by itself. */
function daemonOver(bench: SyncBench, tables: readonly string[], nudges = new NudgeInbox()): BenchDaemon {
  return new BenchDaemon(bench, tables, HOUR, HOURLY, HOUR, undefined, { nudges });
}

it.concurrent('a nudge brings a change within seconds, and a flood of them costs hardly more', async () => {
  await using bench = await SyncBench.open({ tables: [smallTable('new_car')] });
  const { emulator } = bench;
  emulator.store.seed('new_car', 3);
  const nudges = new NudgeInbox();
  await using _ = daemonOver(bench, ['new_car'], nudges);
  await eventually(async () => mirrors(bench, 'new_car'));
  await delay(300);
  const before = dataRequests(emulator, 'new_car').length;
  emulator.store.seed('new_car', 1);
  const begun = performance.now();
  for (let nudge = 0; nudge < 500; nudge++) nudges.receive('new_car');
  await eventually(async () => mirrors(bench, 'new_car'));
  expect(performance.now() - begun).toBeGreaterThan(900);
  expect(dataRequests(emulator, 'new_car').length - before).toBe(1);

  // Nothing changes any more, and the nudges go on.
  const flood = setInterval(() => nudges.receive('new_car'), 20);
  await delay(4_500);
  clearInterval(flood);
  expect(dataRequests(emulator, 'new_car').length - before).toBeLessThanOrEqual(3);
});

it.concurrent('a change that comes into sight late is found by a later poll', async () => {
  await using bench = await SyncBench.open({ tables: [smallTable('new_car')] });
  const { emulator } = bench;
  emulator.store.seed('new_car', 3);
  const nudges = new NudgeInbox();
  await using _ = daemonOver(bench, ['new_car'], nudges);
  await eventually(async () => mirrors(bench, 'new_car'));
  await delay(300);
  const before = dataRequests(emulator, 'new_car').length;
  nudges.receive('new_car');
  await delay(1_800);
  expect(dataRequests(emulator, 'new_car').length - before).toBe(1);
  emulator.store.seed('new_car', 1);
  await eventually(async () => mirrors(bench, 'new_car'), 3_000);
});

it.concurrent('a nudge for a table of another daemon reaches that daemon, and one for a table of nobody does nothing', async () => {
  await using bench = await SyncBench.open({ tables: [smallTable('new_car'), smallTable('new_cat')] });
  const { emulator } = bench;
  emulator.store.seed('new_car', 3);
  emulator.store.seed('new_cat', 3);
  const nudges = new NudgeInbox();
  await using first = daemonOver(bench, ['new_car'], nudges);
  await eventually(async () => mirrors(bench, 'new_car'));
  await using second = daemonOver(bench, ['new_cat']);
  await eventually(async () => mirrors(bench, 'new_cat'));
  emulator.store.seed('new_cat', 1);
  nudges.receive('new_cat');
  nudges.receive('new_dog');
  nudges.receive("'; drop");
  await eventually(async () => mirrors(bench, 'new_cat'), 8_000);
  expect([...first.codes, ...second.codes]).toEqual([]);
});

it.concurrent('a paused table stays as it is, whatever nudges come', async () => {
  await using bench = await SyncBench.open({ tables: [smallTable('new_car')] });
  const { emulator } = bench;
  emulator.store.seed('new_car', 3);
  const nudges = new NudgeInbox();
  await using _ = daemonOver(bench, ['new_car'], nudges);
  await eventually(async () => mirrors(bench, 'new_car'));
  await bench.database.query(`SELECT mirrorverse.pause('new_car')`);
  const before = dataRequests(emulator, 'new_car').length;
  emulator.store.seed('new_car', 1);
  for (let second = 0; second < 3; second++) {
    nudges.receive('new_car');
    await delay(1_000);
  }
  expect(dataRequests(emulator, 'new_car').length).toBe(before);
  expect(await mirrors(bench, 'new_car')).toBe(false);
});

it.concurrent('a table that fails is not run more often by nudges', async () => {
  await using bench = await SyncBench.open({ tables: [smallTable('new_car')] });
  const { emulator } = bench;
  emulator.store.seed('new_car', 3);
  const nudges = new NudgeInbox();
  await using _ = daemonOver(bench, ['new_car'], nudges);
  await eventually(async () => mirrors(bench, 'new_car'));
  await delay(300);
  emulator.settings.deniedTables.add('new_car');
  nudges.receive('new_car');
  await delay(1_500);
  const before = emulator.requests.find({ table: 'new_car' }).length;
  for (let second = 0; second < 3; second++) {
    nudges.receive('new_car');
    await delay(1_000);
  }
  expect(emulator.requests.find({ table: 'new_car' }).length).toBe(before);
});
