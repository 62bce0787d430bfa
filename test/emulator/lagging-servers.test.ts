import { expect, it } from 'vitest';
import { readLabels } from '../../src/dataverse/metadata/label-reader.ts';
import { never } from '../support/mirror.ts';
import { SyncBench } from '../support/sync.ts';

it('the lower version of a server that lags behind is not taken for a change', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const { metadata } = dataverse;
  let changes = 0;
  metadata.onChange(() => changes++, never);
  metadata.observe('999');
  const before = await metadata.table('account', never);
  metadata.observe('1000');
  const after = await metadata.table('account', never);
  expect({ changes, isReadAnew: after !== before }).toEqual({ changes: 1, isReadAnew: true });
  for (const seen of ['999', '1000', '999', '998']) metadata.observe(seen);
  expect(await metadata.table('account', never)).toBe(after);
  expect({ changes, version: metadata.version }).toEqual({ changes: 1, version: '1000' });
  await dataverse.close();
});

it('metadata versions that are not numbers count as a change whenever they differ', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const { metadata } = dataverse;
  let changes = 0;
  metadata.onChange(() => changes++, never);
  for (const seen of ['b', 'b', 'a', 'b', '7']) metadata.observe(seen);
  expect(changes).toBe(3);
  await dataverse.close();
});

it('metadata that is read after a change is read past the caches', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const { metadata, client } = dataverse;
  const { requests } = bench.emulator;
  const read = async (): Promise<(string | null)[]> => {
    const before = requests.find({}).length;
    await metadata.table('account', never);
    await readLabels(client, metadata, 'account', never);
    const asked = requests.find({}).slice(before);
    return [...new Set(asked.map(({ headers }) => headers['consistency'] ?? null))];
  };
  metadata.observe('1');
  expect(await read()).toEqual([null]);
  metadata.observe('2');
  expect(await read()).toEqual(['Strong']);
  await dataverse.close();
});
