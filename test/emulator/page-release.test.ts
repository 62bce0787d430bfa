import { expect, it } from 'vitest';
import { createChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import type { Page } from '../../src/model/page.ts';
import { never } from '../support/mirror.ts';
import { smallTable } from '../support/small-table.ts';
import { SyncBench } from '../support/sync.ts';

it('a page whose memory was given back twice does not give back the memory of the page after it', async () => {
  await using bench = await SyncBench.open({ tables: [smallTable('new_Small')] });
  for (let row = 0; row < 30; row++) bench.emulator.store.insert('new_small', { new_name: `row ${row}` });
  const dataverse = bench.dataverse();
  const table = await dataverse.metadata.table('new_small', never);
  const feed = createChangeFeed(dataverse.client, table, 10);
  const after = async (page: Page): Promise<Page> => feed.follow(page.link, 'baseline', never);

  const first = await feed.begin(never);
  first.release?.();
  const second = await after(first);
  const text = Buffer.from(second.bytes).toString();
  first.release?.();
  const third = await after(second);
  expect(third.rows).toBe(10);
  expect(Buffer.from(second.bytes).toString()).toBe(text);
  await dataverse.close();
});
