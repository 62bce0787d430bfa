import { expect, test } from 'vitest';
import { databaseServerUrl, freshDatabase } from '../support/database.ts';

test('every fresh database is empty and its own', async () => {
  await using first = await freshDatabase();
  await using second = await freshDatabase();
  expect(first.url).not.toBe(second.url);
  await first.query('create table t (id int)');
  expect(await second.query("select from pg_tables where schemaname = 'public'")).toEqual([]);
  expect(databaseServerUrl()).toMatch(/^postgres/);
});

test('a database is dropped although a client was not given back', async () => {
  const database = await freshDatabase();
  const client = await database.pool.connect();
  await client.query('select 1');
  await database.drop();
  await database.drop();
  const name = new URL(database.url).pathname.slice(1);
  await using other = await freshDatabase();
  expect(await other.query('select from pg_database where datname = $1', [name])).toEqual([]);
});
