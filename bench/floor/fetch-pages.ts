/** The floor of whatever reads a table: its pages fetched and parsed as the mirror does, and dropped. */
import { pino } from 'pino';
import { createChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import { ALL_VERSIONS, createComparisonRead } from '../../src/dataverse/feed/comparison-read.ts';
import { openDataverse } from '../../src/dataverse/dataverse.ts';
import type { PlainPage } from '../../src/model/page.ts';
import { withKeysAlone } from '../../src/model/table.ts';

export interface FetchFloor {
  readonly origin: string;
  readonly table: string;
  /** Keys and versions, as a verification reads them, in place of the feed's rows. */
  readonly keysAlone?: boolean;
}

export interface FetchTime {
  readonly milliseconds: number;
  readonly pages: number;
  readonly rows: number;
}

const { origin, table, keysAlone = false } = JSON.parse(process.argv[2] ?? '') as FetchFloor;
const dataverse = openDataverse(
  {
    url: origin,
    signIn: { method: 'access-token', token: 'bench' },
    limits: { requestsPer5Minutes: 1_000_000, concurrency: 8, requestTimeout: 120_000 },
    userAgent: 'mirrorverse-bench',
  },
  pino({ level: 'silent' }),
);
const { signal } = new AbortController();
const definition = await dataverse.metadata.table(table, signal);
const feed = createChangeFeed(dataverse.client, definition, 5_000);
const keys = createComparisonRead(dataverse.client, withKeysAlone(definition), 5_000, 'keys');
const begun = performance.now();
let pages = 0;
let rows = 0;
let page: PlainPage = keysAlone ? await keys.begin(ALL_VERSIONS, signal) : await feed.begin(signal);
for (;;) {
  const { link } = page;
  pages++;
  rows += page.rows;
  page.release?.();
  if (link === null || link.kind === 'delta') break;
  page = keysAlone
    ? await keys.follow(link, ALL_VERSIONS, signal)
    : await feed.follow(link, 'baseline', signal);
}
const milliseconds = performance.now() - begun;
await dataverse.close();
process.send?.({ milliseconds, pages, rows } satisfies FetchTime);
process.disconnect();
