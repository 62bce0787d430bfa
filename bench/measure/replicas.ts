import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count } from '../report/units.ts';
import { withSource, type Source } from '../source/start.ts';
import type { SourceCounts } from '../source/table.ts';
import { scriptPath } from '../support/child.ts';
import { surroundingsOf } from '../support/load-mirror.ts';
import { commandVariables, runCommand, type CommandSurroundings } from '../support/mirror-command.ts';
import type { Workbench } from '../support/workbench.ts';

const TABLES = 1_000;
const DAEMONS = ['first', 'second', 'third'];
/** Seconds between two polls of a table. */
const EVERY = 20;
const TICKS = 3;
/** Seconds after a kill in which there is one tick, and the polls of the daemon that is gone are done by the others. */
const AFTER_KILL = EVERY + 10;
/** Requests of three daemons, as a multiple of those of one. */
const BAR = 1.1;
/** How far the requests of a daemon may be from its third. */
const EVEN = 0.2;

/** Three daemons over a thousand tables that do not change. */
export async function measureReplicas(workbench: Workbench, options: Options): Promise<Section> {
  const tables = Array.from({ length: TABLES }, (_, at) => ({ name: `table${at}`, rows: 2, columns: 10 }));
  const ticks = options.rounds(TICKS);
  await workbench.clear();
  const { alone, together, survivors } = await withSource({ tables, lazy: true }, async (source) => {
    const surroundings = surroundingsOf(workbench, source, tables);
    // Labels and views are made at the first load, and take longer than everything else.
    await runCommand(['backfill'], surroundings);
    await workbench.settle();
    const [first, ...others] = DAEMONS.map((name) => startDaemon(surroundings, name));
    if (first === undefined) throw new Error('There is no daemon.');
    const one = await polls(source, ticks);
    for (const other of others) other.start();
    const three = await polls(source, ticks);
    // It polls a third of the tables. The others do not know that it is gone.
    others[0]?.child?.kill('SIGKILL');
    await source.forget();
    await delay(AFTER_KILL * 1_000);
    const rest = await source.counts();
    await Promise.all([first, ...others].map(async (daemon) => daemon.stop()));
    return { alone: one, together: three, survivors: rest };
  });
  const ratio = together.pages / alone.pages;
  const parts = DAEMONS.map((name) => ((together.byToken[name] ?? 0) * DAEMONS.length) / together.pages);
  const uneven = Math.max(...parts.map((part) => Math.abs(part - 1)));
  return {
    title: 'Several daemons',
    about: `Daemons poll ${count(TABLES)} unchanged tables every ${EVERY} seconds: one daemon, then three for ${ticks} ticks. Each table is polled by one of them. Allowed are ${BAR} times the requests of one daemon, and ${EVEN * 100} % more or less than a third for each. Then one is killed, and the last column says how many tables the others poll in the next ${AFTER_KILL} seconds.`,
    headings: ['one daemon', 'three daemons', 'ratio', 'furthest from a third', 'tables after a kill'],
    rows: [
      [
        count(alone.pages),
        count(together.pages),
        verdict({ value: ratio, bar: BAR }),
        verdict({ value: uneven, bar: EVEN }),
        count(survivors.tables),
      ],
    ],
    ratios: [
      { name: 'requests of three daemons', value: ratio, bar: BAR },
      { name: 'distance from an even share', value: uneven, bar: EVEN },
    ],
  };
}

interface Daemon {
  readonly child: ChildProcess | undefined;
  start(): void;
  stop(): Promise<void>;
}

/** A daemon with an access token of its own. The first one starts at once. */
function startDaemon(surroundings: CommandSurroundings, token: string): Daemon {
  const env = {
    ...process.env,
    ...commandVariables(surroundings),
    DATAVERSE_ACCESS_TOKEN: token,
    MIRRORVERSE_SCHEDULE: `*/${EVERY} * * * * *`,
  };
  let child: ChildProcess | undefined;
  const start = (): void => {
    child = spawn(process.execPath, [scriptPath('../dist/cli/main.js'), 'run'], { env, stdio: 'ignore' });
  };
  if (token === DAEMONS[0]) start();
  return {
    get child() {
      return child;
    },
    start,
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** What was asked in so many ticks, after the daemons had time to start and to poll each table once or twice. */
async function polls(source: Source, ticks: number): Promise<SourceCounts> {
  await delay(2 * EVERY * 1_000);
  await source.forget();
  await delay(ticks * EVERY * 1_000);
  return source.counts();
}
