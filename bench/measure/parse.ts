import type { ParseOrder, ParseTimes } from '../mirror/parse-pages.ts';
import type { Options } from '../options.ts';
import { verdict, type Ratio, type Section } from '../report/section.ts';
import { count, megabytes, percent, seconds } from '../report/units.ts';
import type { ShapeName } from '../shapes/shapes.ts';
import { runScript } from '../support/child.ts';
import type { Workbench } from '../support/workbench.ts';

const ORDER_BAR = 1.5;
const ESCAPES_BAR = 1.3;
/** The share of texts with an escape. */
const ESCAPES = 0.1;

interface Page {
  readonly shape: ShapeName;
  readonly columns: number;
  readonly rows: number;
}

/** Pages of about as many bytes as mirrorverse asks for, or of the most rows that an environment gives. */
const PAGES: readonly Page[] = [
  { shape: 'account', columns: 150, rows: 5_000 },
  { shape: 'account', columns: 400, rows: 2_000 },
  { shape: 'activity', columns: 60, rows: 5_000 },
  { shape: 'narrow', columns: 20, rows: 5_000 },
  { shape: 'memos', columns: 20, rows: 2_000 },
];

/** Pages as environments write them, against the same rows in one order of members, and with escapes. */
export async function measureParse(_: Workbench, options: Options): Promise<Section> {
  const results: { page: Page; times: ParseTimes; order: Ratio; escapes: Ratio }[] = [];
  for (const page of PAGES) {
    const rows = options.rows(page.rows);
    const order: ParseOrder = { ...page, rows, rounds: options.rounds(21), escapes: ESCAPES };
    const times = await runScript<ParseTimes>('mirror/parse-pages.ts', order);
    const name = `${page.shape}, ${page.columns} columns`;
    results.push({
      page: { ...page, rows },
      times,
      order: { name: `parse ${name}`, value: times.environment / times.uniform, bar: ORDER_BAR },
      escapes: {
        name: `parse escapes of ${name}`,
        value: times.escapes / times.environment,
        bar: ESCAPES_BAR,
      },
    });
  }
  return {
    title: 'Parsing',
    about: `One page is parsed as the mirror does it, in a process of its own. The environment's order has values first and nulls last. The floor is a page of the same rows whose members all have the same order. Allowed are ${ORDER_BAR} times the time of the floor. A page in which ${percent(ESCAPES)} of the texts have an escape may take ${ESCAPES_BAR} times the time of the same page without escapes. \`JSON.parse\` and gunzip of the same page are there for comparison.`,
    headings: [
      'page',
      'size',
      'one order',
      "environment's order",
      'with escapes',
      '`JSON.parse`',
      'gunzip',
      'ratio of the order',
      'ratio of the escapes',
    ],
    rows: results.map(({ page, times, order, escapes }) => [
      `${page.shape}, ${page.columns} columns, ${count(page.rows)} rows`,
      megabytes(times.bytes),
      seconds(times.uniform),
      seconds(times.environment),
      seconds(times.escapes),
      seconds(times.jsonParse),
      seconds(times.gunzip),
      verdict(order),
      verdict(escapes),
    ]),
    ratios: results.flatMap(({ order, escapes }) => [order, escapes]),
  };
}
