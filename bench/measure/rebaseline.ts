import type { FetchFloor, FetchTime } from '../floor/fetch-pages.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count, rate, seconds } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import { runScript } from '../support/child.ts';
import { loadMirror, surroundingsOf, TABLE } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand, type CommandRun } from '../support/mirror-command.ts';
import { alternating } from '../support/rounds.ts';
import { endedConnectionsTime, openConnections, untilOthersEnd } from '../support/server-time.ts';
import { FLOOR_SCHEMA, type Workbench } from '../support/workbench.ts';

/** The width that the bar is for; a wider table is shown beside it. */
const JUDGED = 60;
const BAR = 1.5;
/** Microseconds of a processor that PostgreSQL may take for a row of the judged width. */
const POSTGRES_BAR = 12;
const BEFORE = `${FLOOR_SCHEMA}.before`;

/** A re-baseline over a mirror that has every row already. */
export async function measureRebaseline(workbench: Workbench, options: Options): Promise<Section> {
  const rows = options.rows(200_000);
  const results = [];
  for (const columns of options.columns([JUDGED, 200])) {
    results.push(await measureWidth(workbench, rows, columns, options.rounds(columns > JUDGED ? 1 : 3)));
  }
  return {
    title: 'Re-baseline without a change',
    about: `${count(rows)} rows are read that the mirror has already. The floor only fetches and parses their pages, with the same client and parser. At ${JUDGED} columns, ${BAR} times the time of the floor is allowed. PostgreSQL's part is the processor time of its connections; at ${JUDGED} columns, ${POSTGRES_BAR} µs a row are allowed. A row counts as rewritten if its \`xmin\` or \`ctid\` has changed afterwards.`,
    headings: [
      'columns',
      're-baseline',
      'rows/s',
      'whole command',
      'floor',
      'rows rewritten',
      'PostgreSQL, µs a row',
      'ratio',
    ],
    rows: results.map(({ columns, mirror, command, floor, rewritten, postgres, ratio }) => [
      String(columns),
      seconds(mirror),
      rate(rows, mirror),
      seconds(command),
      seconds(floor),
      count(rewritten),
      columns === JUDGED ? verdict({ value: postgres, bar: POSTGRES_BAR }) : postgres.toFixed(2),
      columns === JUDGED ? verdict({ value: ratio, bar: BAR }) : ratio.toFixed(2),
    ]),
    ratios: results
      .filter(({ columns }) => columns === JUDGED)
      .flatMap(({ columns, ratio, postgres }) => [
        { name: `re-baseline, ${columns} columns`, value: ratio, bar: BAR },
        { name: 're-baseline, µs of PostgreSQL', value: postgres, bar: POSTGRES_BAR },
      ]),
  };
}

interface Width {
  readonly columns: number;
  readonly mirror: number;
  readonly command: number;
  readonly floor: number;
  readonly rewritten: number;
  /** Microseconds of a processor for a row. */
  readonly postgres: number;
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
    await loadMirror(workbench, source, [table]);
    await workbench.query(
      `CREATE TABLE ${BEFORE} AS SELECT accountid, xmin::text AS writer, ctid AS place FROM dataverse.${TABLE}`,
    );
    const times: number[] = [];
    const again = async (): Promise<CommandRun> => {
      await workbench.settle();
      const kept = await openConnections(workbench);
      const before = await endedConnectionsTime(workbench);
      const run = await runCommand(['backfill', '--restart'], surroundingsOf(workbench, source, [table]));
      await untilOthersEnd(workbench, kept);
      times.push((await endedConnectionsTime(workbench)) - before);
      return run;
    };
    const { origin } = source;
    const fetch = async (): Promise<FetchTime> =>
      runScript<FetchTime>('floor/fetch-pages.ts', { origin, table: TABLE } satisfies FetchFloor);
    const { first: mirrors, second: floors } = await alternating(rounds, again, fetch);
    return {
      columns,
      mirror: median(mirrors.map(({ run }) => run)),
      command: median(mirrors.map((each) => each.process)),
      floor: median(floors.map(({ milliseconds }) => milliseconds)),
      rewritten: await countRewritten(workbench),
      postgres: (1_000 * median(times)) / rows,
      ratio: median(mirrors.map(({ run }, round) => run / (floors[round]?.milliseconds ?? Number.NaN))),
    };
  });
}

async function countRewritten(workbench: Workbench): Promise<number> {
  const [counted] = await workbench.query(
    `SELECT count(*)::int AS rows FROM ${BEFORE} b FULL JOIN dataverse.${TABLE} m USING (accountid)
      WHERE (b.writer, b.place) IS DISTINCT FROM (m.xmin::text, m.ctid)`,
  );
  return Number(counted?.['rows']);
}
