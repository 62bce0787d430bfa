import type { RequestsFloor, RequestsTime } from '../floor/requests.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { seconds } from '../report/units.ts';
import { API_PATH } from '../source/metadata.ts';
import { withSource, type Source } from '../source/start.ts';
import { entitySet, preferences, shapeOfTable, type SourceTable } from '../source/table.ts';
import { runScript } from '../support/child.ts';
import { loadMirror, surroundingsOf } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand, type CommandRun } from '../support/mirror-command.ts';
import { alternating } from '../support/rounds.ts';
import type { Workbench } from '../support/workbench.ts';

const TABLES = 390;
const COLUMNS = 60;
const LATENCY = 50;
/** Requests in flight, which is the default of `limits.concurrency`. */
const AT_ONCE = 8;
/** Requests that are neither for pages nor for the sign-in. */
const MOST_UNCHANGED = 3;
const MOST_CHANGED = 25;
const BAR = 1.3;

/** A pass of a new process over many tables that have not changed, and over the same tables after one got a column. */
export async function measureUnchangedTables(workbench: Workbench, options: Options): Promise<Section> {
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const tables = Array.from({ length: TABLES }, (_, at) => ({ name: `table${at}`, rows: 10, columns }));
  const source = { tables, latency: { rows: LATENCY, metadata: LATENCY } };
  const { loaded, unchanged, floor, changed } = await withSource(source, async (started) =>
    pass(workbench, started, tables, options.rounds(3)),
  );
  const ratio = {
    name: 'new process on unchanged tables',
    value: median(unchanged.map(({ work }, round) => work / (floor[round]?.milliseconds ?? Number.NaN))),
    bar: BAR,
  };
  const beside = Math.max(...unchanged.map(({ requests }) => requests));
  const ratios = [
    ratio,
    { name: 'requests of a new process beside its pages', value: beside / MOST_UNCHANGED, bar: 1 },
    { name: 'metadata requests after one new column', value: changed.requests / MOST_CHANGED, bar: 1 },
  ];
  return {
    title: 'New process on unchanged tables',
    about: `\`sync\` of ${TABLES} tables of ${columns} columns, from a source that takes ${LATENCY} ms for an answer, each time in a new process. The floor is one request for each table, ${AT_ONCE} at once. Allowed are ${BAR} times the time of the floor from the first request to the end of the process, and ${MOST_UNCHANGED} requests beside the pages. After one table got a column, ${MOST_CHANGED} are allowed.`,
    headings: [
      '`sync`',
      'requests beside the pages',
      'after the first request',
      'floor',
      'whole command',
      'ratio',
    ],
    rows: [
      ['first load', String(loaded.requests), seconds(loaded.work), '', seconds(loaded.process), ''],
      [
        'unchanged',
        String(beside),
        seconds(median(unchanged.map(({ work }) => work))),
        seconds(median(floor.map(({ milliseconds }) => milliseconds))),
        seconds(median(unchanged.map((each) => each.process))),
        verdict(ratio),
      ],
      ['one column more', String(changed.requests), seconds(changed.work), '', seconds(changed.process), ''],
    ],
    ratios,
  };
}

interface Sync {
  /** From the first request to the end of the process, milliseconds. */
  readonly work: number;
  readonly process: number;
  /** Requests that are not for rows. */
  readonly requests: number;
}

async function pass(
  workbench: Workbench,
  source: Source,
  tables: readonly SourceTable[],
  rounds: number,
): Promise<{ loaded: Sync; unchanged: readonly Sync[]; floor: readonly RequestsTime[]; changed: Sync }> {
  const counted = async (run: () => Promise<CommandRun>): Promise<Sync> => {
    await source.forget();
    const { process, startedAt } = await run();
    const { metadata, firstRequestAt } = await source.counts();
    const start = Number(BigInt(firstRequestAt ?? 0) - startedAt) / 1e6;
    return { work: process - start, process, requests: metadata };
  };
  const surroundings = surroundingsOf(workbench, source, tables);
  const sync = async (): Promise<Sync> => counted(async () => runCommand(['sync'], surroundings));
  const loaded = await counted(async () => loadMirror(workbench, source, tables));
  await workbench.settle();
  const { first: unchanged, second: floor } = await alternating(rounds, sync, async () =>
    makeRequests(source, tables),
  );
  await source.grow(tables[0]?.name ?? '');
  return { loaded, unchanged, floor, changed: await sync() };
}

async function makeRequests(source: Source, tables: readonly SourceTable[]): Promise<RequestsTime> {
  const urls = tables.map((table) => `${source.origin}${API_PATH}${entitySet(table)}?$deltatoken=0`);
  const [table] = tables;
  const prefer = table === undefined ? '' : preferences(shapeOfTable(table));
  return runScript<RequestsTime>('floor/requests.ts', {
    urls,
    prefer,
    atOnce: AT_ONCE,
  } satisfies RequestsFloor);
}
