import type { Options } from '../options.ts';
import { verdict, type Section } from '../report/section.ts';
import { count, seconds } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import { loadMirror, surroundingsOf, TABLE } from '../support/load-mirror.ts';
import { median } from '../support/median.ts';
import { runCommand } from '../support/mirror-command.ts';
import type { Workbench } from '../support/workbench.ts';

const COLUMNS = 20;
const LARGEST = 3_000_000;
/** Parts of the largest. */
const SIZES = [0.02, 0.2, 1];
const CHANGED = 1_000;
/** How much more a further row may take in a larger table than in a smaller one. */
const BAR = 1.1;

/** What tables that are ever larger cost: their baseline, and a delta of always as many rows. */
export async function measureGrowth(workbench: Workbench, options: Options): Promise<Section> {
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const results: Size[] = [];
  for (const size of SIZES) {
    const rows = Math.ceil(options.rows(LARGEST) * size);
    results.push(await measureSize(workbench, { rows, columns }, options.rounds(5)));
  }
  const furtherRows = results.map((size, at) => furtherRow(size, results[at - 1]));
  const deltas = results.map(({ delta }) => delta);
  return {
    title: 'As tables grow',
    about: `Each table has ${columns} columns, a baseline, and a delta of ${count(CHANGED)} rows. A further row is what a larger table has beyond the table before it. The time of a further row may differ between sizes by at most ${Math.round(100 * (BAR - 1))} %: the largest is ${verdict({ value: spread(furtherRows.slice(1)), bar: BAR })} times the smallest. The smallest table is left out of this, because the beginning and the end of a run weigh most there. The slowest delta takes ${spread(deltas).toFixed(2)} times as long as the quickest.`,
    headings: ['rows', 'baseline', 'a further row', `delta of ${count(CHANGED)}`],
    rows: results.map(({ rows, baseline, delta }, at) => [
      count(rows),
      seconds(baseline),
      `${(1_000 * (furtherRows[at] ?? 0)).toFixed(2)} µs`,
      seconds(delta),
    ]),
    ratios: [],
  };
}

/** How many times the smallest figure the largest one is. */
function spread(figures: readonly number[]): number {
  return Math.max(...figures) / Math.min(...figures);
}

/** Milliseconds for each row that a table has more than the table before. */
function furtherRow(size: Size, before: Size = { rows: 0, baseline: 0, delta: 0 }): number {
  return (size.baseline - before.baseline) / (size.rows - before.rows);
}

interface Size {
  readonly rows: number;
  /** Milliseconds. */
  readonly baseline: number;
  readonly delta: number;
}

async function measureSize(
  workbench: Workbench,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  rounds: number,
): Promise<Size> {
  const table = { name: TABLE, rows, columns };
  return withSource({ tables: [table] }, async (source) => {
    const { run: baseline } = await loadMirror(workbench, source, [table]);
    const deltas: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await source.change(TABLE, CHANGED);
      await workbench.settle();
      const { run } = await runCommand(['sync'], surroundingsOf(workbench, source, [table]));
      deltas.push(run);
    }
    return { rows, baseline, delta: median(deltas) };
  });
}
