import { setTimeout as delay } from 'node:timers/promises';
import { Churn } from '../../src/emulator/demo/churn.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { leaseEvents, trespasses } from '../support/lease-journal.ts';
import { emptiedTables } from '../support/mirror-journal.ts';
import { differences } from '../support/oracle.ts';
import { versionsThatWentDown } from '../support/version-journal.ts';
import { SoakBench, type Daemon, type SoakDatabase } from './bench.ts';
import { BLACK_HOLES, MISHAPS, type Mishap } from './mishap.ts';
import { processFigures } from './process-figures.ts';
import { meansOf, slopeOf, type Sample, type Slope } from './slope.ts';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';

export interface SoakOptions {
  /** An empty one, where the statements are a superuser's. */
  readonly database: SoakDatabase;
  readonly seed: number;
  /** Seconds of trouble; what it takes to come right afterwards is added. */
  readonly seconds: number;
  readonly tables: readonly string[];
  /** Absent for the built-in model. */
  readonly definitions?: readonly TableDefinition[];
  /** Changes a second over all tables. */
  readonly changes: number;
  /** Two daemons take turns in being killed every so many seconds; without it only the second is. */
  readonly killEvery?: number;
  /** Whether anything goes wrong beside the kills; `all` has black holes, too. */
  readonly mishaps: 'none' | 'short' | 'all';
  readonly sampleEvery: number;
  readonly report: (line: string) => void;
}

/** What is measured: of the daemon that lives the whole time, if one does, and of the mirror. */
export type Figure = 'memory' | 'handles' | 'sessions' | 'lag';

export interface SoakResult {
  /** Broken promises, as text for a person. */
  readonly problems: readonly string[];
  readonly changes: number;
  readonly mishaps: number;
  readonly kills: number;
  readonly events: Readonly<Record<string, number>>;
  readonly series: Readonly<Record<Figure, readonly Sample[]>>;
}

/** Milliseconds of a lease. */
const LEASE = 3_000;
/** Milliseconds between two lines of figures. */
const REPORT_EVERY = 60_000;
/** Milliseconds the daemons have to make all right when the trouble is over. */
const RECOVERY = 300_000;

/** Lets daemons mirror an organization at work while all goes wrong, and looks at what is left. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { seed, tables, definitions, report } = options;
  const random = new Random(seed);
  await using bench = await SoakBench.open(
    {
      database: options.database,
      seed,
      lease: LEASE,
      ...(definitions === undefined ? {} : { tables: definitions }),
    },
    tables,
  );
  for (const table of tables) bench.emulator.store.seed(table, 300);
  const daemons = [bench.startDaemon(), bench.startDaemon()];
  const over = AbortSignal.timeout(options.seconds * 1_000);
  const churn = new Churn(bench.emulator.store, new Random(seed + 1), tables);
  const counts = { mishaps: 0, kills: 0 };
  const series: Record<Figure, Sample[]> = { memory: [], handles: [], sessions: [], lag: [] };
  const [changes] = await Promise.all([
    churn.run(over, options.changes),
    killing(bench, daemons, options, over, () => counts.kills++),
    trouble(bench, daemons, options, random, over, () => counts.mishaps++),
    sampling(bench, daemons, options, over, series),
  ]);
  bench.emulator.faults.clear();
  report('The trouble is over.');
  const problems = await settled(bench, tables);
  if (problems.length > 0) problems.push(...(await troubles(bench)));
  for (const { name, command } of daemons) {
    if (!command.running) problems.push(`${name} has ended by itself:\n${command.stderr.slice(-2_000)}`);
  }
  const events = await leaseEvents(bench);
  problems.push(...(await trespasses(bench)));
  const back = await versionsThatWentDown(bench);
  if (back.length > 0) problems.push(`versions went down: ${JSON.stringify(back.slice(0, 5))}`);
  for (const { table, how } of await emptiedTables(bench)) problems.push(`${table} was empty after ${how}`);
  return { problems, changes, ...counts, events, series };
}

/**
 * Slopes of what was measured once the daemon had warmed up, for the first fifth of the time.
 *
 * @param stretch milliseconds whose samples count as one.
 */
export function slopes(series: SoakResult['series'], stretch: number): Record<Figure, Slope | null> {
  const { memory, handles, sessions, lag } = series;
  return {
    memory: warmSlope(memory, stretch),
    handles: warmSlope(handles, stretch),
    sessions: warmSlope(sessions, stretch),
    lag: warmSlope(lag, stretch),
  };
}

function warmSlope(samples: readonly Sample[], stretch: number): Slope | null {
  const means = meansOf(samples.slice(Math.ceil(samples.length / 5)), stretch);
  return means.length < 3 ? null : slopeOf(means);
}

async function killing(
  bench: SoakBench,
  daemons: Daemon[],
  { killEvery, mishaps, report }: SoakOptions,
  over: AbortSignal,
  counted: () => void,
): Promise<void> {
  const seconds = killEvery ?? (mishaps === 'none' ? undefined : 17);
  if (seconds === undefined) return;
  for (let turn = 1; await rested(seconds * 1_000, over); turn++) {
    const number = killEvery === undefined ? 1 : turn % 2;
    const daemon = daemons[number];
    if (daemon === undefined) continue;
    await daemon.command.stop('SIGKILL');
    counted();
    report(`${daemon.name} was killed.`);
    daemons[number] = bench.startDaemon();
  }
}

async function trouble(
  bench: SoakBench,
  daemons: readonly Daemon[],
  { mishaps, report }: SoakOptions,
  random: Random,
  over: AbortSignal,
  counted: () => void,
): Promise<void> {
  if (mishaps === 'none') return;
  const known: readonly Mishap[] = mishaps === 'all' ? [...MISHAPS, ...BLACK_HOLES] : MISHAPS;
  while (await rested(random.integer(1_000, 5_000), over)) {
    const mishap = random.pick(known);
    report(`${mishap.name}.`);
    counted();
    await mishap.happen(bench, random.pick(daemons).name, random);
    if (mishap.lasts === undefined) continue;
    await rested(mishap.lasts, over);
    await bench.environment.restore();
    await bench.database.restore();
  }
}

async function sampling(
  bench: SoakBench,
  daemons: readonly Daemon[],
  { sampleEvery, killEvery, report }: SoakOptions,
  over: AbortSignal,
  series: Record<Figure, Sample[]>,
): Promise<void> {
  // Where they are killed in turn none lives long enough to be measured.
  const daemon = killEvery === undefined ? daemons[0] : undefined;
  let reportedAt = performance.now();
  while (await rested(sampleEvery * 1_000, over)) {
    const at = performance.now();
    const lag = await lagOf(bench);
    if (lag !== null) series.lag.push({ at, value: lag });
    const held = daemon === undefined ? [] : await heldBy(bench, daemon);
    for (const { figure, value } of held) series[figure].push({ at, value });
    if (at - reportedAt < REPORT_EVERY) continue;
    reportedAt = at;
    const figures = held.map(({ figure, value }) => `${figure} ${value.toFixed(0)}, `);
    report(`${figures.join('')}${lag?.toFixed(0)} s behind.`);
    if ((lag ?? 0) > 60) for (const text of await troubles(bench)) report(text);
  }
}

/** Seconds since the last success of the table that is furthest behind. */
async function lagOf(bench: SoakBench): Promise<number | null> {
  const [row] = await bench.query<{ lag: number | null }>(
    `SELECT extract(epoch FROM clock_timestamp() - min(last_success_at))::float8 AS lag FROM mirrorverse.tables`,
  );
  return row?.lag ?? null;
}

/** What a daemon holds on to just now, as far as can be told. */
async function heldBy(
  bench: SoakBench,
  { name, command }: Daemon,
): Promise<{ figure: Figure; value: number }[]> {
  const figures = await processFigures(command.child.pid ?? 0);
  const [row] = await bench.query<{ sessions: number }>(
    'SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name = $1',
    [name],
  );
  return [
    ...(figures === null
      ? []
      : [
          { figure: 'memory' as const, value: figures.memory },
          { figure: 'handles' as const, value: figures.handles },
        ]),
    { figure: 'sessions', value: row?.sessions ?? 0 },
  ];
}

/** The differences that are left when there are none any more, or when it takes too long. */
async function settled(bench: SoakBench, tables: readonly string[]): Promise<string[]> {
  const deadline = performance.now() + RECOVERY;
  for (;;) {
    const found: string[] = [];
    for (const table of tables) {
      const texts = await differences(bench.emulator.store, bench, table).catch(String);
      found.push(...[texts].flat().map((text) => `${table}: ${text}`));
      if (found.length > 0) break;
    }
    if (found.length === 0 || performance.now() > deadline) return found.slice(0, 10);
    await delay(500);
  }
}

/** How the tables stand that are not well. */
async function troubles(bench: SoakBench): Promise<string[]> {
  const rows = await bench.query<{
    table: string;
    phase: string;
    code: string | null;
    message: string | null;
  }>(
    `SELECT "table", phase, error_code AS code, error_message AS message
       FROM mirrorverse.tables WHERE error_code IS NOT NULL OR phase <> 'delta'`,
  );
  return rows.map(({ table, phase, code, message }) => `${table} is in ${phase}: ${code} ${message}`);
}

/** @returns false when it was over before. */
async function rested(milliseconds: number, over: AbortSignal): Promise<boolean> {
  if (over.aborted) return false;
  await delay(milliseconds, undefined, { signal: over }).catch(() => undefined);
  return !over.aborted;
}
