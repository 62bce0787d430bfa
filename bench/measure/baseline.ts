import type { CopyFloor } from '../floor/copy.ts';
import type { FloorTime } from '../floor/timed.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { busyInFloors } from '../report/busy.ts';
import { count, rate, seconds } from '../report/units.ts';
import { withSource, type Source } from '../source/start.ts';
import { API_PATH } from '../source/metadata.ts';
import { entitySet, type SourceTable } from '../source/table.ts';
import type { ShapeName } from '../shapes/shapes.ts';
import type { NaiveLoad, NaiveTime } from '../naive/load.ts';
import { runScript } from '../support/child.ts';
import { median } from '../support/median.ts';
import { alternating } from '../support/rounds.ts';
import { floorTable, loadMirror, TABLE } from '../support/load-mirror.ts';
import type { CommandRun } from '../support/mirror-command.ts';
import { FLOOR_SCHEMA, type Workbench } from '../support/workbench.ts';

const BAR = 1.5;
const FLOOR = `${FLOOR_SCHEMA}.${TABLE}`;

interface Case {
  readonly shape: ShapeName;
  readonly columns: number;
  readonly rows: number;
  /** Smaller pages keep the page of a wide table below `limits.pageBytes`. */
  readonly pageRows?: number;
}

const ACCOUNTS: readonly Case[] = [
  { shape: 'account', columns: 20, rows: 500_000 },
  { shape: 'account', columns: 60, rows: 300_000 },
  { shape: 'account', columns: 150, rows: 200_000 },
  { shape: 'account', columns: 400, rows: 60_000, pageRows: 2_500 },
];
const OTHERS: readonly Case[] = [
  { shape: 'narrow', columns: 20, rows: 400_000 },
  { shape: 'memos', columns: 30, rows: 40_000 },
  { shape: 'activity', columns: 60, rows: 200_000 },
  { shape: 'uniform', columns: 60, rows: 200_000 },
];
/** Milliseconds after which the naive script stops. By then it has loaded enough rows to tell how fast it is. */
const NAIVE_TIME = 8_000;

/** A whole baseline into an empty mirror, of tables of several widths and shapes. */
export async function measureBaseline(workbench: Workbench, options: Options): Promise<Section> {
  const full = ACCOUNTS.map(({ columns }) => columns);
  const widths = options.columns(full);
  const accounts = widths.map(caseOf);
  // Widths that are asked for are widths of accounts.
  const cases = widths === full ? [...accounts, ...OTHERS] : accounts;
  const results: Result[] = [];
  for (const each of cases) {
    results.push(await measureCase(workbench, { ...each, rows: options.rows(each.rows) }, options.rounds(3)));
  }
  return {
    title: 'Baseline',
    about: `Rows come over HTTP from a source on the same machine, in pages of 5,000 (of 2,500 with 400 columns), into an empty mirror. The floor is COPY of the same rows, ready as text, into the same table with its key. Allowed are ${BAR} times the time of the floor. The script in \`bench/naive\` fetches each page, parses it with \`JSON.parse\`, and upserts it as one jsonb value into the same table, for ${seconds(NAIVE_TIME)} at most. Rows of the shape \`uniform\` are what no environment writes: all members in one order, with the nulls in place, and no text with an escape.`,
    headings: [
      'shape',
      'columns',
      'rows',
      'baseline',
      'rows/s',
      'whole command',
      'floor',
      'busy in the floor',
      'ratio',
      'naive script',
      'mirrorverse is faster',
    ],
    rows: results.map(({ shape, columns, rows, mirror, command, floor, busy, ratio, naive }) => [
      shape,
      String(columns),
      count(rows),
      seconds(mirror),
      rate(rows, mirror),
      seconds(command),
      seconds(floor),
      busy,
      verdict({ value: ratio, bar: BAR }),
      `${count(Math.round(naive))} rows/s`,
      `${((1_000 * rows) / mirror / naive).toFixed(1)} times`,
    ]),
    ratios: results.map(({ shape, columns, ratio }) => ({
      name: `baseline, ${shape}, ${columns} columns`,
      value: ratio,
      bar: BAR,
    })),
  };
}

/** The case of a width, with as many rows as the next narrower one. */
function caseOf(columns: number): Case {
  const like = ACCOUNTS.findLast((each) => each.columns <= columns) ?? ACCOUNTS[0];
  return { shape: 'account', rows: 100_000, ...like, columns };
}

interface Result extends Case {
  readonly mirror: number;
  readonly command: number;
  readonly floor: number;
  readonly busy: string;
  readonly ratio: number;
  /** Rows a second. */
  readonly naive: number;
}

async function measureCase(workbench: Workbench, each: Case, rounds: number): Promise<Result> {
  const table: SourceTable = { name: TABLE, ...each };
  return withSource({ tables: [table] }, async (source) => {
    const { first: mirrors, second: floors } = await alternating(
      rounds,
      async () => timeMirror(workbench, source, table),
      async () => timeFloor(workbench, each),
    );
    const naive = await timeNaive(workbench, source, table, each);
    return {
      ...each,
      mirror: median(mirrors.map(({ run }) => run)),
      command: median(mirrors.map((run) => run.process)),
      floor: median(floors.map(({ milliseconds }) => milliseconds)),
      busy: busyInFloors(floors),
      ratio: median(mirrors.map(({ run }, round) => run / (floors[round]?.milliseconds ?? Number.NaN))),
      naive: (1_000 * naive.rows) / naive.milliseconds,
    };
  });
}

/** Loads the mirror, leaves an empty table like it for the floor, and nothing else. */
async function timeMirror(workbench: Workbench, source: Source, table: SourceTable): Promise<CommandRun> {
  const run = await loadMirror(workbench, source, [table]);
  await floorTable(workbench, TABLE);
  await workbench.query('DROP SCHEMA dataverse CASCADE');
  return run;
}

async function timeFloor(workbench: Workbench, { shape, rows, columns }: Case): Promise<FloorTime> {
  await emptyFloor(workbench);
  const floor: CopyFloor = { url: workbench.url, shape, columns, tables: [{ name: FLOOR, rows }] };
  return runScript<FloorTime>('floor/copy.ts', floor);
}

async function timeNaive(
  workbench: Workbench,
  source: Source,
  table: SourceTable,
  { shape, columns }: Case,
): Promise<NaiveTime> {
  await emptyFloor(workbench);
  const load: NaiveLoad = {
    rows: `${source.origin}${API_PATH}${entitySet(table)}`,
    url: workbench.url,
    table: FLOOR,
    shape,
    columns,
    longest: NAIVE_TIME,
  };
  return runScript<NaiveTime>('naive/load.ts', load);
}

async function emptyFloor(workbench: Workbench): Promise<void> {
  await workbench.query(`TRUNCATE ${FLOOR}`);
  await workbench.settle();
}
