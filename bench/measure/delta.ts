import type { FloorTime } from '../floor/timed.ts';
import type { UpdateFloor } from '../floor/update.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { busyInFloors } from '../report/busy.ts';
import { count, rate, seconds } from '../report/units.ts';
import { versionOf } from '../rows/version.ts';
import { withSource } from '../source/start.ts';
import { runScript } from '../support/child.ts';
import { floorTable, loadMirror, surroundingsOf, TABLE } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand, type CommandRun } from '../support/mirror-command.ts';
import { alternating } from '../support/rounds.ts';
import type { Workbench } from '../support/workbench.ts';

const BAR = 1.25;
const COLUMNS = 60;

/** One row of twenty has changed. */
export async function measureDelta(workbench: Workbench, options: Options): Promise<Section> {
  const rows = options.rows(1_000_000);
  const changed = Math.floor(rows / 20);
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const table = { name: TABLE, rows, columns };
  const { mirrors, floors } = await withSource({ tables: [table] }, async (source) => {
    await loadMirror(workbench, source, [table]);
    const floor = await floorTable(workbench, TABLE);
    await workbench.query(`INSERT INTO ${floor} SELECT * FROM dataverse.${TABLE}`);
    let ofMirror = 0;
    let ofFloor = 0;
    const sync = async (): Promise<CommandRun> => {
      ofMirror++;
      await source.change(TABLE, changed);
      await workbench.settle();
      const run = await runCommand(['sync'], surroundingsOf(workbench, source, [table]));
      await checkVersions(workbench, `dataverse.${TABLE}`, { changed, changes: ofMirror });
      return run;
    };
    const update = async (): Promise<FloorTime> => {
      ofFloor++;
      await workbench.settle();
      const order: UpdateFloor = {
        url: workbench.url,
        shape: 'account',
        columns,
        table: floor,
        rows,
        changed,
        changes: ofFloor,
      };
      return runScript<FloorTime>('floor/update.ts', order);
    };
    const { first, second } = await alternating(options.rounds(3), sync, update);
    return { mirrors: first, floors: second };
  });
  const mirror = median(mirrors.map(({ run }) => run));
  const ratio = median(mirrors.map(({ run }, round) => run / (floors[round]?.milliseconds ?? Number.NaN)));
  return {
    title: 'Delta',
    about: `${count(changed)} of ${count(rows)} rows have changed; each has ${columns} columns. The floor is COPY of the same rows, ready as text, to a staging table, and one UPDATE from it. Allowed are ${BAR} times the time of the floor.`,
    headings: ['delta', 'rows/s', 'whole command', 'floor', 'busy in the floor', 'ratio'],
    rows: [
      [
        seconds(mirror),
        rate(changed, mirror),
        seconds(median(mirrors.map((each) => each.process))),
        seconds(median(floors.map(({ milliseconds }) => milliseconds))),
        busyInFloors(floors),
        verdict({ value: ratio, bar: BAR }),
      ],
    ],
    ratios: [{ name: `delta, ${columns} columns`, value: ratio, bar: BAR }],
  };
}

/** @throws Error unless so many rows have the versions of the last change. */
export async function checkVersions(
  workbench: Workbench,
  table: string,
  { changed, changes }: { readonly changed: number; readonly changes: number },
): Promise<void> {
  const [counted] = await workbench.query(
    `SELECT count(*)::int AS rows FROM ${table} WHERE versionnumber >= ${versionOf(0, changes)}`,
  );
  if (counted?.['rows'] !== changed) throw new Error(`The mirror has not every change of ${table}.`);
}
