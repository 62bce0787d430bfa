import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readings, Scenario, Step } from './scenario.ts';

const READINGS: Readings = {
  tokenFrom: 'first-page',
  pagesSee: 'frozen',
  restoredRows: 'with-tombstone',
  nullsInDelta: 'explicit',
  deltaLinkPosition: 'before-value',
  expiredTokenStatus: 400,
  removedColumns: 'error',
  expireOnMetadataChange: false,
};

const PASS: Step = { do: 'pass', process: 0, restart: false, interruptions: [] };
const USUAL = { readings: READINGS, pageSizes: [3, 3], softDeletes: false, end: 'new-process' } as const;

type Regression = readonly [name: string, scenario: Scenario];

/** As their seeds made them. */
const OF_SEEDS = join(import.meta.dirname, '..', '..', 'fixtures', 'scenarios.json');

/** Scenarios that once went wrong, the first made as small as can be: they are run with the first share of seeds. */
export const REGRESSIONS: readonly Regression[] = [
  [
    'a row that comes to a process which has not heard that a column has another type now',
    {
      ...USUAL,
      rows: [0],
      pageSizes: [2, 2],
      steps: [
        PASS,
        { do: 'retype-column', table: 0, column: 10, kind: 0 },
        { ...PASS, process: 1 },
        { do: 'insert', table: 0, count: 1 },
        PASS,
        { do: 'insert', table: 0, count: 1 },
      ],
    },
  ],
  [
    'rows deleted while a delta pages, whose link stands for its last page',
    {
      ...USUAL,
      readings: { ...READINGS, tokenFrom: 'last-page' },
      rows: [12],
      steps: [
        PASS,
        { do: 'update', table: 0, row: 0, count: 6 },
        {
          do: 'pass',
          process: 0,
          restart: false,
          interruptions: [
            {
              page: 0,
              what: {
                kind: 'changes',
                changes: [
                  { do: 'delete', table: 0, row: 1, count: 3 },
                  { do: 'update', table: 0, row: 2, count: 2 },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
  [
    'a table that is emptied while nobody looks, and whose links expire',
    {
      ...USUAL,
      rows: [18],
      steps: [PASS, { do: 'empty', table: 0 }, { do: 'expire-links' }],
    },
  ],
  ...(JSON.parse(readFileSync(OF_SEEDS, 'utf8')) as readonly Regression[]),
];
