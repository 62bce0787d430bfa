import type { CopyFloor } from '../floor/copy.ts';
import type { FloorTime } from '../floor/timed.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { busyInFloors } from '../report/busy.ts';
import { count, rate, seconds } from '../report/units.ts';
import { withSource, type Source } from '../source/start.ts';
import type { SourceTable } from '../source/table.ts';
import { runScript } from '../support/child.ts';
import { median } from '../support/median.ts';
import { alternating } from '../support/rounds.ts';
import { floorTable, loadMirror, TABLE } from '../support/load-mirror.ts';
import type { CommandRun } from '../support/mirror-command.ts';
import { FLOOR_SCHEMA, type Workbench } from '../support/workbench.ts';

const BAR = 1.25;
const FLOOR = `${FLOOR_SCHEMA}.${TABLE}`;

/** A whole baseline into an empty mirror, at several widths. */
export async function measureBaseline(workbench: Workbench, options: Options): Promise<Section> {
  const rows = options.rows(500_000);
  const results = [];
  for (const columns of options.columns([20, 60, 200, 400])) {
    results.push(await measureWidth(workbench, rows, columns, options.rounds(columns < 100 ? 3 : 1)));
  }
  return {
    title: 'Baseline',
    about: `${count(rows)} rows come over HTTP from a source on the same machine, in pages of 5,000, into an empty mirror. The floor is COPY of the same rows, ready as text, into the same table with its key. Allowed are ${BAR} times the time of the floor.`,
    headings: ['columns', 'baseline', 'rows/s', 'whole command', 'floor', 'busy in the floor', 'ratio'],
    rows: results.map(({ columns, mirror, command, floor, busy, ratio }) => [
      String(columns),
      seconds(mirror),
      rate(rows, mirror),
      seconds(command),
      seconds(floor),
      busy,
      verdict({ value: ratio, bar: BAR }),
    ]),
    ratios: results.map(({ columns, ratio }) => ({
      name: `baseline, ${columns} columns`,
      value: ratio,
      bar: BAR,
    })),
  };
}

interface Width {
  readonly columns: number;
  readonly mirror: number;
  readonly command: number;
  readonly floor: number;
  readonly busy: string;
  readonly ratio: number;
}

async function measureWidth(
  workbench: Workbench,
  rows: number,
  columns: number,
  rounds: number,
): Promise<Width> {
  const table = { name: TABLE, rows, columns };
  return withSource({ tables: [table] }, async (source) => {
    const { first: mirrors, second: floors } = await alternating(
      rounds,
      async () => timeMirror(workbench, source, table),
      async () => timeFloor(workbench, table),
    );
    return {
      columns,
      mirror: median(mirrors.map(({ run }) => run)),
      command: median(mirrors.map((each) => each.process)),
      floor: median(floors.map(({ milliseconds }) => milliseconds)),
      busy: busyInFloors(floors),
      ratio: median(mirrors.map(({ run }, round) => run / (floors[round]?.milliseconds ?? Number.NaN))),
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

async function timeFloor(workbench: Workbench, { rows, columns }: SourceTable): Promise<FloorTime> {
  await workbench.query(`TRUNCATE ${FLOOR}`);
  await workbench.settle();
  const floor: CopyFloor = { url: workbench.url, shape: 'account', columns, tables: [{ name: FLOOR, rows }] };
  return runScript<FloorTime>('floor/copy.ts', floor);
}
