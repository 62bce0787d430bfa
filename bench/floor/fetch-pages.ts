/** The floor of whatever reads a table: its pages fetched and parsed as the mirror does, and dropped. */
import { pino } from 'pino';
import { createChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import { openDataverse } from '../../src/dataverse/dataverse.ts';

export interface FetchFloor {
  readonly origin: string;
  readonly table: string;
}

export interface FetchTime {
  readonly milliseconds: number;
  readonly pages: number;
  readonly rows: number;
}

const { origin, table } = JSON.parse(process.argv[2] ?? '') as FetchFloor;
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
const feed = createChangeFeed(dataverse.client, await dataverse.metadata.table(table, signal), 5_000);
const begun = performance.now();
let pages = 0;
let rows = 0;
let page = await feed.begin(signal);
for (;;) {
  const { link } = page;
  pages++;
  rows += page.rows;
  page.release?.();
  if (link.kind === 'delta') break;
  page = await feed.follow(link, 'baseline', signal);
}
const milliseconds = performance.now() - begun;
await dataverse.close();
process.send?.({ milliseconds, pages, rows } satisfies FetchTime);
process.disconnect();
