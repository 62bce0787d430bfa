import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FetchFloor, FetchTime } from '../floor/fetch-pages.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count, megabytes, seconds } from '../report/units.ts';
import { withSource, type Source } from '../source/start.ts';
import { VERIFIER } from '../source/table.ts';
import { runScript, scriptPath } from '../support/child.ts';
import { loadMirror, surroundingsOf, TABLE } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { commandVariables, runCommand, type CommandSurroundings } from '../support/mirror-command.ts';
import { alternating } from '../support/rounds.ts';
import type { Workbench } from '../support/workbench.ts';

const COLUMNS = 20;
/** Rows that a writer changes each second. */
const CHANGED = 50;
/** Milliseconds that an answer with rows takes: none, and the least that an environment takes. */
const JUDGED = 50;
const LATENCIES = [0, JUDGED];
/** How many times the time of the requests alone a verification may take. */
const BAR = 1.3;
/** Bytes. */
const MEMORY = 200e6;
/** Requests for a million rows. */
const REQUESTS = 210;

/** A verification by keys and versions, while rows change and a daemon mirrors the changes. */
export async function measureVerify(workbench: Workbench, options: Options): Promise<Section> {
  const rows = options.rows(1_000_000);
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const table = { name: TABLE, rows, columns };
  const results = await withSource({ tables: [table], lazy: true }, async (source) => {
    await loadMirror(workbench, source, [table]);
    await workbench.settle();
    const surroundings = surroundingsOf(workbench, source, [table]);
    const floor = async (): Promise<FetchTime> => {
      const order: FetchFloor = { origin: source.origin, table: TABLE, keysAlone: true };
      return runScript<FetchTime>('floor/fetch-pages.ts', order);
    };
    // The source keeps its pages from the first read on.
    await floor();
    const verify = async (): Promise<Verified> => runVerify(source, surroundings);
    return whileRowsChange(source, surroundings, async () => {
      const measured = [];
      for (const latency of LATENCIES) {
        await source.slow(latency);
        measured.push(resultOf(latency, await alternating(options.rounds(2), verify, floor)));
      }
      return measured;
    });
  });
  return {
    title: 'Verification',
    about: `\`verify\` reads key and version of ${count(rows)} rows and compares them with the mirror, while ${CHANGED} rows change each second and a daemon mirrors the changes. The time goes from the first request for keys to the end of the process. The floor fetches and parses the same pages with the same client, under the same load. In the first row the source answers at once, in the second row after ${JUDGED} ms, which is the least that an environment takes. There ${BAR} times the time of the floor are allowed, ${REQUESTS} requests of all kinds for a million rows, and ${megabytes(MEMORY)} of memory (\`VmHWM\`).`,
    headings: [
      'answer after',
      'verification',
      'floor',
      'ratio',
      'requests',
      'of the limit',
      'memory',
      'of the limit',
    ],
    rows: results.map(({ latency, verified, floor, ratio, requests, memory }) => [
      `${latency} ms`,
      seconds(verified),
      seconds(floor),
      latency === JUDGED ? verdict({ value: ratio, bar: BAR }) : ratio.toFixed(2),
      String(requests),
      verdict({ value: requests / Math.max(10, (REQUESTS * rows) / 1_000_000), bar: 1 }),
      megabytes(memory),
      verdict({ value: memory / MEMORY, bar: 1 }),
    ]),
    ratios: results
      .filter(({ latency }) => latency === JUDGED)
      .map(({ ratio }) => ({ name: 'verification', value: ratio, bar: BAR })),
  };
}

interface Result {
  readonly latency: number;
  readonly verified: number;
  readonly floor: number;
  readonly ratio: number;
  readonly requests: number;
  readonly memory: number;
}

function resultOf(
  latency: number,
  { first, second }: { readonly first: readonly Verified[]; readonly second: readonly FetchTime[] },
): Result {
  const ratios = first.map(({ milliseconds }, at) => milliseconds / (second[at]?.milliseconds ?? Number.NaN));
  return {
    latency,
    verified: median(first.map(({ milliseconds }) => milliseconds)),
    floor: median(second.map(({ milliseconds }) => milliseconds)),
    ratio: median(ratios),
    requests: Math.max(...first.map((each) => each.requests)),
    memory: Math.max(...first.map((each) => each.memory)),
  };
}

interface Verified {
  readonly milliseconds: number;
  readonly requests: number;
  readonly memory: number;
}

async function runVerify(source: Source, surroundings: CommandSurroundings): Promise<Verified> {
  await source.forget();
  const run = await runCommand(['verify', '--json'], surroundings, { DATAVERSE_ACCESS_TOKEN: VERIFIER });
  const { verification } = await source.counts();
  const end = Number(run.startedAt) / 1e6 + run.process;
  return {
    milliseconds: end - Number(verification.firstKeysAt) / 1e6,
    requests: verification.requests,
    memory: run.memory,
  };
}

/** Does some work while rows change each second, and a daemon mirrors the changes. */
async function whileRowsChange<T>(
  source: Source,
  surroundings: CommandSurroundings,
  work: () => Promise<T>,
): Promise<T> {
  const env = { ...process.env, ...commandVariables(surroundings), MIRRORVERSE_SCHEDULE: '* * * * * *' };
  const daemon = spawn(process.execPath, [scriptPath('../dist/cli/main.js'), 'run'], {
    env,
    stdio: 'ignore',
  });
  const ended = once(daemon, 'exit');
  const stop = new AbortController();
  const writer = (async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await source.change(TABLE, CHANGED);
      await delay(1_000, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  try {
    return await work();
  } finally {
    stop.abort();
    daemon.kill('SIGTERM');
    await Promise.all([writer, ended]);
  }
}
