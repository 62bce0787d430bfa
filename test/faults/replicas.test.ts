import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { dataRequests, openBench } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { smallTable } from '../support/small-table.ts';

const NAMES = Array.from({ length: 30 }, (_, index) => `new_Shared${String(index).padStart(2, '0')}`);
const TABLES = NAMES.map((name) => name.toLowerCase());
const DAEMONS = ['first', 'second', 'third'];
/** Seconds between two polls of a table. They divide a minute, so that all ticks are as far apart. */
const EVERY = 6;
const TICKS = 4;

it('three daemons share the polls of thirty tables evenly, send no more than one would, and take over from a killed one', async () => {
  await using bench = await openBench(TABLES, {
    MIRRORVERSE_SCHEDULE: `*/${EVERY} * * * * *`,
    MIRRORVERSE_LEASE: '5s',
  });
  const { emulator, cli } = bench;
  for (const name of NAMES) emulator.store.addTable(smallTable(name));
  for (const table of TABLES) emulator.store.seed(table, 1);
  for (const name of DAEMONS) emulator.settings.bearerTokens.add(name);
  const polls = (since: number): { table: string; by: number | null }[] =>
    TABLES.flatMap((table) =>
      dataRequests(emulator, table)
        .filter(({ at }) => at >= since)
        .map(({ tokenIndex }) => ({ table, by: tokenIndex })),
    );
  /** Requests of each daemon, in the order in which the daemons came. */
  const shares = (since: number): number[] =>
    DAEMONS.map((_, index) => polls(since).filter(({ by }) => by === index).length);
  const polled = (since: number): number => new Set(polls(since).map(({ table }) => table)).size;

  const [first, ...others] = DAEMONS.map(
    (name) => () => cli.start(['run'], { DATAVERSE_ACCESS_TOKEN: name }),
  );
  const daemons = [first?.()];
  const started = Date.now();
  // The first one has all tables until the others come.
  await eventually(() => polled(started) === TABLES.length, 40_000);
  daemons.push(...others.map((start) => start()));
  await eventually(() => shares(started).every((share) => share > TABLES.length / 4), 40_000);
  await delay(2_500);

  const begun = Date.now();
  await delay(TICKS * EVERY * 1_000);
  const third = (TICKS * TABLES.length) / DAEMONS.length;
  for (const share of shares(begun)) {
    expect(share).toBeGreaterThanOrEqual(0.8 * third);
    expect(share).toBeLessThanOrEqual(1.2 * third);
  }

  daemons[1]?.child.kill('SIGKILL');
  const killed = Date.now();
  await delay((EVERY + 1) * 1_000);
  expect(polled(killed)).toBe(TABLES.length);
  await Promise.all([daemons[0], daemons[2]].map(async (daemon) => daemon?.stop('SIGTERM')));
}, 180_000);
