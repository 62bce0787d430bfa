import type { CopyFloor } from '../floor/copy.ts';
import type { FetchFloor, FetchTime } from '../floor/fetch-pages.ts';
import type { FloorTime } from '../floor/timed.ts';
import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count, seconds } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import { runScript } from '../support/child.ts';
import { floorTable, loadMirror } from '../support/load-mirror.ts';
import type { Workbench } from '../support/workbench.ts';

const BAR = 1.15;
const COLUMNS = 60;
/** Milliseconds that the source takes for a page. */
const LATENCY = 300;
const LARGEST = 400_000;
/** Parts of the largest table, in the order in which they are named to the command. */
const PARTS = [0.01, 0.3, 0.05, 0.002, 1, 0.1, 0.02, 0.5, 0.005, 0.2];

/** A first load of tables of very different sizes at once, from a source that takes its time. */
export async function measureTenTables(workbench: Workbench, options: Options): Promise<Section> {
  const largest = options.rows(LARGEST);
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const tables = PARTS.map((part, at) => ({ name: `table${at}`, rows: Math.ceil(part * largest), columns }));
  const longest = tables.find(({ rows }) => rows === largest)?.name ?? '';
  const source = { tables, latency: { rows: LATENCY, metadata: 0 } };
  const { mirror, paging } = await withSource(source, async (started) => {
    const { origin } = started;
    return {
      mirror: await loadMirror(workbench, started, tables),
      paging: await runScript<FetchTime>('floor/fetch-pages.ts', {
        origin,
        table: longest,
      } satisfies FetchFloor),
    };
  });
  const floors = [];
  for (const { name, rows } of tables) floors.push({ name: await floorTable(workbench, name), rows });
  await workbench.query('DROP SCHEMA dataverse CASCADE');
  await workbench.settle();
  const writing = await runScript<FloorTime>('floor/copy.ts', {
    url: workbench.url,
    shape: 'account',
    columns,
    tables: floors,
  } satisfies CopyFloor);
  const floor = Math.max(writing.milliseconds, paging.milliseconds);
  const ratio = { name: 'ten tables at once', value: mirror.run / floor, bar: BAR };
  const total = tables.reduce((sum, { rows }) => sum + rows, 0);
  return {
    title: 'Ten tables at once',
    about: `Ten tables are loaded for the first time. They have ${count(Math.min(...tables.map(({ rows }) => rows)))} to ${count(largest)} rows of ${columns} columns, ${count(total)} together. The source takes ${LATENCY} ms for a page. The floor is the longer of two times: the time to write all tables by COPY of ready text, one after the other, and the time to fetch the pages of the largest table, one after the other. Allowed are ${BAR} times the time of the floor.`,
    headings: ['baselines', 'whole command', 'to write all', 'to fetch the largest', 'ratio'],
    rows: [
      [
        seconds(mirror.run),
        seconds(mirror.process),
        seconds(writing.milliseconds),
        `${seconds(paging.milliseconds)} (${count(paging.pages)} pages)`,
        verdict(ratio),
      ],
    ],
    ratios: [ratio],
  };
}
