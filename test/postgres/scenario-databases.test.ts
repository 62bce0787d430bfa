import { expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { ScenarioDatabases } from '../support/driver/scenario-databases.ts';

/** The database that a scenario with this end is given. */
async function given(databases: ScenarioDatabases, problems: string[]): Promise<TestDatabase> {
  let database: TestDatabase | undefined;
  await databases.use(async (its) => {
    database = its;
    return problems;
  });
  if (database === undefined) throw new Error('no database');
  return database;
}

it('scenarios share a database until one of them fails', async () => {
  await using databases = new ScenarioDatabases();
  const first = await given(databases, []);
  const failed = await given(databases, ['it did not end']);
  expect(failed).toBe(first);
  const next = await given(databases, []);
  expect(next.url).not.toBe(first.url);
  expect(await given(databases, [])).toBe(next);
});

it('a scenario that timed out keeps its database for itself', async () => {
  await using databases = new ScenarioDatabases();
  let taken: TestDatabase | undefined;
  await new Promise<void>((resolve) => {
    void databases.use(async (database) => {
      taken = database;
      resolve();
      return new Promise(() => undefined);
    });
  });
  expect((await given(databases, [])).url).not.toBe(taken?.url);
});
