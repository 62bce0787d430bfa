import { expect, it } from 'vitest';
import { never } from '../support/mirror.ts';
import { SyncBench } from '../support/sync.ts';

it('a table that is stopped while it reads what all wait for does not fail the others', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const { metadata } = dataverse;
  const stopped = new AbortController();
  const first = metadata.table('account', stopped.signal);
  const others = Promise.all([metadata.table('contact', never), metadata.tables(never)]);
  stopped.abort(new Error('stopped'));
  await expect(first).rejects.toThrow('stopped');
  const [contact, tables] = await others;
  expect(contact.logicalName).toBe('contact');
  expect(tables.length).toBeGreaterThan(1);
  expect((await metadata.table('account', never)).logicalName).toBe('account');
  await dataverse.close();
});

it('what many ask for at once is read once', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const { metadata } = dataverse;
  const read = await Promise.all([1, 2, 3].map(async () => metadata.table('account', never)));
  expect(new Set(read).size).toBe(1);
  expect(bench.emulator.requests.count({ kind: 'csdl' })).toBe(1);
  expect(bench.emulator.requests.count({ kind: 'metadata' })).toBe(4);
  await dataverse.close();
});
