import type { RequestsFloor, RequestsTime } from '../floor/requests.ts';
import type { PassWork } from '../mirror/passes.ts';
import { withPasses } from '../mirror/start-passes.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count, seconds } from '../report/units.ts';
import { API_PATH } from '../source/metadata.ts';
import { withSource, type Source } from '../source/start.ts';
import { entitySet, preferences, shapeOfTable, type SourceTable } from '../source/table.ts';
import { runScript } from '../support/child.ts';
import { surroundingsOf } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand } from '../support/mirror-command.ts';
import { alternating } from '../support/rounds.ts';
import type { Workbench } from '../support/workbench.ts';

const BAR = 1.1;
const TABLES = 200;
/** Milliseconds that the source takes for an answer. */
const LATENCIES = [0, 50];

/** A pass over many tables that finds no change in any of them. */
export async function measureIdle(workbench: Workbench, options: Options): Promise<Section> {
  const tables = Array.from({ length: TABLES }, (_, at) => ({ name: `table${at}`, rows: 10, columns: 20 }));
  const results = [];
  for (const latency of LATENCIES) {
    results.push(await measureLatency(workbench, tables, latency, options.rounds(3)));
  }
  return {
    title: 'Idle pass',
    about: `This is a pass over ${TABLES} unchanged tables, in a process that has made a pass before, like a daemon. The floor is ${TABLES} requests for the same answers, one after the other over one connection. Allowed are ${BAR} times the time of the floor. In the first row the source answers at once. In the second row it answers after 50 ms, which is the least that an environment takes. The command \`sync\` is a new process: it asks who it is and for the version of the metadata, and then it polls.`,
    headings: [
      'answer after',
      'pass',
      'floor',
      'requests a table',
      'transactions a table',
      'WAL a table',
      '`sync`, whole command',
      'ratio',
    ],
    rows: results.map(({ latency, pass, floor, requests, transactions, wal, command, ratio }) => [
      `${latency} ms`,
      seconds(pass),
      seconds(floor),
      (requests / TABLES).toFixed(2),
      (transactions / TABLES).toFixed(2),
      `${count(wal / TABLES)} bytes`,
      seconds(command),
      verdict({ value: ratio, bar: BAR }),
    ]),
    ratios: results.map(({ latency, ratio }) => ({
      name: `idle pass, answers after ${latency} ms`,
      value: ratio,
      bar: BAR,
    })),
  };
}

interface Idle {
  readonly latency: number;
  readonly pass: number;
  readonly floor: number;
  readonly requests: number;
  readonly transactions: number;
  readonly wal: number;
  readonly command: number;
  readonly ratio: number;
}

async function measureLatency(
  workbench: Workbench,
  tables: readonly SourceTable[],
  latency: number,
  rounds: number,
): Promise<Idle> {
  await workbench.clear();
  const options = { tables, latency: { rows: latency, metadata: latency } };
  return withSource(options, async (source) => {
    const surroundings = surroundingsOf(workbench, source, tables);
    const { first: passes, second: floors } = await withPasses(surroundings, async (makePass) => {
      await workbench.settle();
      const pass = async (): Promise<PassWork & { requests: number }> => {
        await source.forget();
        const took = await makePass();
        const { pages, metadata } = await source.counts();
        return { ...took, requests: pages + metadata };
      };
      return alternating(rounds, pass, async () => makeRequests(source, tables));
    });
    const command = await runCommand(['sync'], surroundings);
    return {
      latency,
      pass: median(passes.map(({ milliseconds }) => milliseconds)),
      floor: median(floors.map(({ milliseconds }) => milliseconds)),
      requests: median(passes.map(({ requests }) => requests)),
      transactions: median(passes.map(({ transactions }) => transactions)),
      wal: median(passes.map(({ wal }) => wal)),
      command: command.process,
      ratio: median(
        passes.map(({ milliseconds }, round) => milliseconds / (floors[round]?.milliseconds ?? Number.NaN)),
      ),
    };
  });
}

async function makeRequests(source: Source, tables: readonly SourceTable[]): Promise<RequestsTime> {
  const urls = tables.map((table) => `${source.origin}${API_PATH}${entitySet(table)}?$deltatoken=0`);
  const [table] = tables;
  const prefer = table === undefined ? '' : preferences(shapeOfTable(table));
  return runScript<RequestsTime>('floor/requests.ts', { urls, prefer } satisfies RequestsFloor);
}
