import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/emulator/web-api/request-journal.ts';
import { dataRequests, openBench } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { allDifferences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';

const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_PAGE_SIZE: '500' };

/** Whether one request of a table began before the one before it had been answered. */
function overlap(requests: readonly JournalEntry[]): boolean {
  return requests
    .slice(1)
    .some(({ at }, before) => at < (requests[before]?.at ?? 0) + (requests[before]?.durationMs ?? Infinity));
}

describe('a daemon', () => {
  it('a daemon keeps its other tables up to date while one hangs, one fails and one is a thousand times as large', async () => {
    await using bench = await openBench(['contact', 'lead', 'account', 'task', 'team'], EVERY_SECOND);
    const { store, settings } = bench.emulator;
    for (const table of ['contact', 'lead', 'task', 'team']) store.seed(table, 15);
    store.seed('account', 15_000);
    settings.deniedTables.add('lead');
    let goOn: (() => void) | undefined;
    const hanging = new Promise<void>((resolve) => (goOn = resolve));
    settings.onPage = async ({ table }) => (table === 'contact' ? hanging : undefined);
    const daemon = bench.cli.start(['run']);

    const polls = (table: string): number => bench.emulator.requests.count({ table, kind: 'delta' });
    await eventually(() => polls('task') >= 6 && polls('team') >= 6 && polls('account') >= 1);
    for (const table of ['task', 'team', 'account']) {
      store.seed(table, 1);
      await eventually(async () => (await allDifferences(store, bench.database, [table])).length === 0);
    }
    expect(dataRequests(bench.emulator, 'contact')).toHaveLength(1);
    expect(dataRequests(bench.emulator, 'lead').length).toBeLessThanOrEqual(4);
    const states = await bench.database.query<{ table: string }>(
      `SELECT "table", phase, error_code AS error, last_success_at IS NOT NULL AS succeeded FROM mirrorverse.tables`,
    );
    expect(new Map(states.map(({ table, ...state }) => [table, state]))).toEqual(
      new Map([
        ['contact', { phase: 'new', error: null, succeeded: false }],
        ['lead', { phase: 'new', error: 'privilege-missing', succeeded: false }],
        ['account', { phase: 'delta', error: null, succeeded: true }],
        ['task', { phase: 'delta', error: null, succeeded: true }],
        ['team', { phase: 'delta', error: null, succeeded: true }],
      ]),
    );

    goOn?.();
    await eventually(async () => (await allDifferences(store, bench.database, ['contact'])).length === 0);
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
  }, 90_000);

  it('a daemon never runs a table twice at once, and makes up for the ticks it missed with one run', async () => {
    await using bench = await openBench(['task', 'team'], EVERY_SECOND);
    const { store, settings, requests } = bench.emulator;
    store.seed('task', 5);
    settings.onPage = async ({ table }) => (table === 'task' ? delay(2_500) : undefined);
    const daemon = bench.cli.start(['run']);
    await eventually(() => requests.find({ table: 'task', kind: 'delta' }).length >= 3);
    const slow = dataRequests(bench.emulator, 'task');
    expect(overlap(slow)).toBe(false);
    // Meanwhile the other one was polled at its own ticks.
    expect(requests.count({ table: 'team', kind: 'delta' })).toBeGreaterThan(slow.length);
    settings.onPage = null;
    await daemon.stop('SIGTERM');
  }, 90_000);
});

describe('two hundred tables that are due at the same second', () => {
  it('two hundred tables due at the same second stay within the requests allowed in flight, and each gets its turn before any gets a second one', async () => {
    const definitions = Array.from({ length: 200 }, (_, at) => smallTable(`new_Due${at}`));
    const tables = definitions.map(({ logicalName }) => logicalName);
    await using bench = await openBench(tables, {
      MIRRORVERSE_SCHEDULE: '*/2 * * * * *',
      MIRRORVERSE_CONCURRENCY: '6',
      MIRRORVERSE_REQUESTS_PER_5_MINUTES: '100000',
    });
    const { emulator, database, cli } = bench;
    for (const definition of definitions) emulator.store.addTable(definition);
    emulator.settings.limits.requests = 1_000_000;
    for (const table of tables) emulator.store.seed(table, 1);
    const daemon = cli.start(['run']);
    const all = async (): Promise<boolean> => {
      const [row] = await database.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM mirrorverse.tables WHERE last_success_at IS NOT NULL`,
      );
      return row?.count === tables.length;
    };
    await eventually(async () => all().catch(() => false), 80_000);
    expect(emulator.requests.peakConcurrency).toBeLessThanOrEqual(6);

    emulator.requests.clear();
    const polls = (table: string): number => emulator.requests.count({ table, kind: 'delta' });
    await eventually(() => tables.every((table) => polls(table) >= 3), 80_000);
    const counts = tables.map(polls);
    // A tick may find a table that has just run and one that is still to run.
    expect(Math.max(...counts)).toBeLessThanOrEqual(2 * Math.min(...counts) + 1);
    expect(emulator.requests.peakConcurrency).toBeLessThanOrEqual(6);
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
  }, 180_000);
});
