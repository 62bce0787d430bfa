import type { Options } from '../options.ts';
import type { Section } from '../report/section.ts';
import { verdict } from '../report/section.ts';
import { count, megabytes } from '../report/units.ts';
import { withSource } from '../source/start.ts';
import { loadMirror, TABLE } from '../support/load-mirror.ts';
import type { Workbench } from '../support/workbench.ts';

/** What a process takes whatever it mirrors, bytes. */
const BASE = 120e6;
const PAGES = 4;
const COLUMNS = 400;
/** Bytes: the default of limits.pageBytes, and one that such pages fit in. */
const PAGE_BYTES = [
  { set: 'by default', environment: {}, most: 64 * 1024 * 1024 },
  {
    set: 'set to 128 MiB',
    environment: { MIRRORVERSE_PAGE_BYTES: '128MiB' },
    most: 128 * 1024 * 1024,
  },
];

/** The most memory that a baseline of a very wide table takes. */
export async function measureMemory(workbench: Workbench, options: Options): Promise<Section> {
  const [columns = COLUMNS] = options.columns([COLUMNS]);
  const table = { name: TABLE, rows: options.rows(50_000), columns };
  const results = [];
  for (const { set, environment, most } of PAGE_BYTES) {
    const { memory, whole } = await withSource({ tables: [table] }, async (source) => {
      const run = await loadMirror(workbench, source, [table], environment);
      return { memory: run.memory, whole: (await source.counts()).largestPage };
    });
    // Of a page that was larger no more was read.
    const page = Math.min(whole, most);
    results.push({ set, memory, page, allowed: PAGES * page + BASE });
  }
  return {
    title: 'Memory',
    about: `The most memory that the process of a baseline had (\`VmHWM\`): ${count(table.rows)} rows of ${columns} columns, in pages of 5,000 rows or, where those are larger than \`limits.pageBytes\`, as many as fit. Allowed are ${PAGES} times a page and ${megabytes(BASE)}.`,
    headings: ['`limits.pageBytes`', 'page', 'peak', 'allowed', 'peak / allowed'],
    rows: results.map(({ set, memory, page, allowed }) => [
      set,
      megabytes(page),
      megabytes(memory),
      megabytes(allowed),
      verdict({ value: memory / allowed, bar: 1 }),
    ]),
    ratios: [],
  };
}
