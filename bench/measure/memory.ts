import type { Options } from '../options.ts';
import type { Section } from '../report/section.ts';
import { verdict } from '../report/section.ts';
import { count, megabytes } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import { loadMirror } from '../support/load-mirror.ts';
import type { Workbench } from '../support/workbench.ts';

/** What a process may take whatever it mirrors, bytes. */
const BASE = 150e6;
const COLUMNS = 400;
const MIB = 1024 * 1024;
/** limits.memory of a process, in MiB: the default, and as little as the default of limits.pageBytes allows. */
const MEMORY = [64, 256];
const TABLES = [1, 4, 8];

/** The most memory that baselines of very wide tables take, of one table and of several at once. */
export async function measureMemory(workbench: Workbench, options: Options): Promise<Section> {
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const rows = options.rows(10_000);
  const results = [];
  for (const memory of MEMORY) {
    for (const number of TABLES) {
      const tables = Array.from({ length: number }, (_, at) => ({ name: `wide${at}`, rows, columns }));
      const { peak, page } = await withSource({ tables, lazy: true }, async (source) => {
        const run = await loadMirror(workbench, source, tables, { MIRRORVERSE_MEMORY: `${memory}MiB` });
        return { peak: run.memory, page: (await source.counts()).largestPage };
      });
      results.push({ memory, number, page, peak, allowed: 2 * memory * MIB + BASE });
    }
  }
  return {
    title: 'Memory',
    about: `The peak is the most memory that a process had (\`VmHWM\`) during the baselines of this many tables at once. Each table has ${count(rows)} rows of ${columns} columns. The source would give pages of 5,000 rows, but mirrorverse stops reading a page that is larger than \`limits.pageBytes\`. Allowed are twice \`limits.memory\` and ${megabytes(BASE)}.`,
    headings: ['`limits.memory`', 'tables', 'largest page', 'peak', 'allowed', 'peak / allowed'],
    rows: results.map(({ memory, number, page, peak, allowed }) => [
      `${memory}MiB`,
      String(number),
      megabytes(page),
      megabytes(peak),
      megabytes(allowed),
      verdict({ value: peak / allowed, bar: 1 }),
    ]),
    ratios: [],
  };
}
