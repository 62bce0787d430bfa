import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { openStateStore } from '../../src/mirror/state/store.ts';
import { checkSchedules } from '../../src/operations/check/check-schedules.ts';
import { tellAgeingLinks } from '../../src/sync/watch/link-age.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { CommandLine, eventually, loggedCodes } from '../support/command-line.ts';
import { BenchDaemon } from '../support/daemon.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences, isMirrored } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const DAY = 86_400_000;
const ISSUED = 'SELECT link, link_issued_at AS at FROM mirrorverse.tables';

/** A bench whose environment has a clock of its own. */
async function withClock(): Promise<{ bench: SyncBench; pass: (days: number) => void }> {
  let now = Date.parse('2026-03-01T00:00:00Z');
  const bench = await SyncBench.open({ now: () => now });
  return { bench, pass: (days) => (now += days * DAY) };
}

/** Makes a table's delta link look as if it had been issued so many days ago. */
async function age(bench: SyncBench, table: string, days: number): Promise<void> {
  await bench.database.query(
    `UPDATE mirrorverse.tables SET link_issued_at = now() - make_interval(days => $2) WHERE "table" = $1`,
    [table, days],
  );
}

it('a look at the environment that failed is repeated after a minute, not after an hour', async () => {
  await using bench = await SyncBench.open();
  bench.emulator.store.seed('account', 5);
  const fault = bench.emulator.faults.add({ match: { path: 'WhoAmI' }, times: 1, do: { status: 403 } });
  const looks = (): number =>
    [...bench.emulator.requests].filter(({ path }) => path.includes('WhoAmI')).length;
  await using _ = new BenchDaemon(bench, ['account'], 1_500, '0 0 1 1 *', 50);
  await eventually(() => fault.hits === 1);
  await expect.poll(looks, { timeout: 1_000 }).toBeGreaterThan(1);
});

describe('an idle table', () => {
  it('an idle table is polled all the same, so that its link never expires', async () => {
    const { bench, pass } = await withClock();
    await using _ = bench;
    bench.emulator.store.seed('account', 5);
    await bench.sync(['account']);
    let [before] = await bench.database.query<{ link: string; at: Date }>(ISSUED);
    for (let poll = 0; poll < 5; poll++) {
      pass(3);
      expect(failures(await bench.sync(['account']))).toEqual({});
      const [after] = await bench.database.query<{ link: string; at: Date }>(ISSUED);
      expect(after?.link).not.toBe(before?.link);
      expect(after?.at.getTime()).toBeGreaterThan(before?.at.getTime() ?? 0);
      before = after;
    }
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
    expect(bench.dataRequests('account')).toBe(7);
  });

  it('an idle table that was not polled for longer than its link lives is loaded again', async () => {
    const { bench, pass } = await withClock();
    await using _ = bench;
    const [id] = bench.emulator.store.seed('account', 5);
    await bench.sync(['account']);
    bench.emulator.store.remove('account', id as string);
    pass(8);
    bench.emulator.store.purgeTombstones();
    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(2);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });
});

describe('a link older than half of its life', () => {
  it('a link older than half of its life is reported with the others of its kind, in one line', async () => {
    await using bench = await SyncBench.open();
    await bench.sync(['account', 'contact', 'lead', 'team']);
    await age(bench, 'account', 4);
    await age(bench, 'contact', 6);
    await age(bench, 'lead', 3);
    await age(bench, 'team', 5);
    const store = openStateStore(bench.database.pool, 'mirrorverse', 1);
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    const logger = pino({ level: 'warn' }, { write });
    const named = ['account', 'contact', 'lead'];
    // Unknown lives say nothing; `team` is no longer among the tables.
    for (const life of [null, 0, 30]) await tellAgeingLinks(store, life, named, logger);
    expect(lines).toEqual([]);
    await tellAgeingLinks(store, 7, named, logger);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      code: 'link-ageing',
      tables: ['contact', 'account'],
      ageDays: 6,
      lifeDays: 7,
    });
  });

  it('a link older than half of its life is reported by the daemon at its start, and by sync, whose pass renews it', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 5);
    await bench.sync(['account']);
    await age(bench, 'account', 4);
    await using cli = await CommandLine.open(mirrorEnvironment(bench, ['account']));
    expect(loggedCodes((await cli.run(['sync'])).stderr)).toEqual(['link-ageing']);
    const { document } = await cli.json(['status']);
    const [table] = (document as { tables: { linkIssuedAt: string; linkExpiresAt: string }[] }).tables;
    expect(Date.parse(table?.linkExpiresAt ?? '') - Date.parse(table?.linkIssuedAt ?? '')).toBe(7 * DAY);
    expect(loggedCodes((await cli.run(['sync'])).stderr)).toEqual([]);

    await age(bench, 'account', 4);
    await using daemon = new BenchDaemon(bench, ['account'], 3_600_000, '0 0 1 1 *');
    await eventually(() => daemon.codes.includes('link-ageing'));
  });

  it('a link older than half of its life is reported by the daemon again at its next look', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 5);
    // Of a year to the next tick, the first start would be put off by up to ten seconds.
    using _ = vi.spyOn(Math, 'random').mockReturnValue(0);
    await using daemon = new BenchDaemon(bench, ['account'], 200, '0 0 1 1 *');
    const followed = `SELECT FROM mirrorverse.tables WHERE phase = 'delta' AND lease_holder IS NULL`;
    await eventually(async () => (await bench.database.query(followed).catch(() => [])).length === 1);
    expect(daemon.codes).toEqual([]);
    await age(bench, 'account', 4);
    await eventually(() => daemon.codes.includes('link-ageing'));
  });
});

const table = (name: string, schedule: string, mode: 'changes' | 'snapshot' = 'changes') => ({
  name,
  schedule,
  mode,
  columns: ALL_COLUMNS,
});

describe('check', () => {
  it("check finds schedules that leave more than half of a link's life between two ticks", () => {
    const tables = [
      table('account', '*/5 * * * *'),
      table('contact', '0 3 * * 1'),
      table('lead', '0 3 * * 1-5'),
      table('team', '0 3 1 * *', 'snapshot'),
      table('task', '0 3 1 * *'),
    ];
    const ids = (life: number | undefined): string[] =>
      checkSchedules(tables, life).map(({ id, ok }) => `${id} ${ok}`);
    expect(ids(7)).toEqual(['table.contact.schedule false', 'table.task.schedule false']);
    expect(ids(4)).toEqual([
      'table.contact.schedule false',
      'table.lead.schedule false',
      'table.task.schedule false',
    ]);
    expect(ids(90)).toEqual([]);
    expect(ids(undefined)).toEqual([]);
  });
});

describe('another organization at the address of a daemon', () => {
  it('another organization at the address of a daemon is noticed by the next look, reported once, and mirrored in place of the former one', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const backup = store.snapshot();
    store.seed('account', 60);
    await using daemon = new BenchDaemon(bench, ['account'], 300);
    const equal = async (): Promise<boolean> => isMirrored(store, bench.database, ['account']);
    await eventually(equal);
    store.resetTo(backup);
    store.organizationId = '77777777-7777-4777-8777-777777777777';
    // Beyond the versions that the mirror has: a link tells nothing.
    store.seed('lead', 500);
    store.seed('account', 55);
    await eventually(equal);
    expect(daemon.codes.filter((code) => code === 'environment-rewound')).toHaveLength(1);
  });
});
