import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
/** How many times as long a delta may take if its changes go to the change log. */
const FEED_BAR = 1.35;
const COLUMNS = 60;

/** One row of twenty has changed. Then the same with the change log, and with the history. */
export async function measureDelta(workbench: Workbench, options: Options): Promise<Section> {
  const rows = options.rows(1_000_000);
  const changed = Math.floor(rows / 20);
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const table = { name: TABLE, rows, columns };
  const { mirrors, floors, logged, recorded } = await withSource({ tables: [table] }, async (source) => {
    await loadMirror(workbench, source, [table]);
    const floor = await floorTable(workbench, TABLE);
    await workbench.query(`INSERT INTO ${floor} SELECT * FROM dataverse.${TABLE}`);
    let ofMirror = 0;
    let ofFloor = 0;
    const sync = async (environment: Readonly<Record<string, string>> = {}): Promise<CommandRun> => {
      ofMirror++;
      await source.change(TABLE, changed);
      await workbench.settle();
      const run = await runCommand(['sync'], surroundingsOf(workbench, source, [table]), environment);
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
    const measureWith = async (settings: string): Promise<readonly CommandRun[]> =>
      withSettings(settings, async (config) => {
        // The first run makes the triggers.
        await sync(config);
        return (await alternating(options.rounds(3), async () => sync(config), update)).first;
      });
    const log = await measureWith('feed: true\n');
    return {
      mirrors: first,
      floors: second,
      logged: log,
      recorded: await measureWith('history: true\n'),
    };
  });
  const mirror = median(mirrors.map(({ run }) => run));
  const feed = median(logged.map(({ run }) => run));
  const history = median(recorded.map(({ run }) => run));
  const ratio = median(mirrors.map(({ run }, round) => run / (floors[round]?.milliseconds ?? Number.NaN)));
  return {
    title: 'Delta',
    about: `${count(changed)} of ${count(rows)} rows have changed; each has ${columns} columns. The floor is COPY of the same rows, ready as text, to a staging table, and one UPDATE from it. Allowed are ${BAR} times the time of the floor. With \`feed: true\`, every change also goes to the change log, and all values of each row have changed; allowed are ${FEED_BAR} times the delta without it. With \`history: true\`, every change closes a record of the history and opens another one.`,
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
      [
        `${seconds(feed)} with the change log`,
        rate(changed, feed),
        seconds(median(logged.map((each) => each.process))),
        'the delta without it',
        '',
        verdict({ value: feed / mirror, bar: FEED_BAR }),
      ],
      [
        `${seconds(history)} with the history`,
        rate(changed, history),
        seconds(median(recorded.map((each) => each.process))),
        'the delta without it',
        '',
        (history / mirror).toFixed(2),
      ],
    ],
    ratios: [
      { name: `delta, ${columns} columns`, value: ratio, bar: BAR },
      { name: `delta with the change log, ${columns} columns`, value: feed / mirror, bar: FEED_BAR },
    ],
  };
}

/** Runs `work` with variables that name a configuration of these settings. */
async function withSettings<T>(
  settings: string,
  work: (environment: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorverse-bench-'));
  const file = join(directory, 'mirrorverse.yaml');
  writeFileSync(file, settings);
  try {
    return await work({ MIRRORVERSE_CONFIG: file });
  } finally {
    rmSync(directory, { recursive: true });
  }
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
