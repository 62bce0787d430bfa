import { expect, it } from 'vitest';
import { never } from '../support/mirror.ts';
import { SyncBench } from '../support/sync.ts';

it('a table that is stopped while it reads what all tables wait for does not fail the others', async () => {
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

it('metadata that many tables ask for at once is read once', async () => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const { metadata } = dataverse;
  const read = await Promise.all([1, 2, 3].map(async () => metadata.table('account', never)));
  expect(new Set(read).size).toBe(1);
  expect(bench.emulator.requests.count({ kind: 'csdl' })).toBe(1);
  expect(bench.emulator.requests.count({ kind: 'metadata' })).toBe(4);
  await dataverse.close();
});

it.each([
  ['a refused token', { status: 401 }, 'sign-in-refused'],
  ['a page of a proxy', { status: 200, html: true }, 'unexpected-answer'],
  ['a page that is well-formed XML', { body: '<html><body>Soon</body></html>' }, 'unexpected-answer'],
] as const)('%s in place of the CSDL takes no column away', async (_, answer, code) => {
  await using bench = await SyncBench.open();
  const dataverse = bench.dataverse();
  const columns = async (): Promise<string[]> =>
    (await dataverse.metadata.table('task', never)).columns.map(({ name }) => name);
  const whole = await columns();
  dataverse.metadata.forget();
  const fault = bench.emulator.faults.add({ match: { kind: 'csdl' }, do: answer });
  await expect(columns()).rejects.toMatchObject({ code });
  fault.remove();
  expect(await columns()).toEqual(whole);
  await dataverse.close();
});
