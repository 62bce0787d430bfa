import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { openBench } from '../support/bench.ts';

const MIGRATIONS = 'SELECT id, hash, created_at FROM mirrorverse.migrations ORDER BY id';

/** Every table of the state schema as the catalog and its rows have it, versions of the rows included. */
async function stateOf(database: TestDatabase): Promise<unknown[]> {
  const tables = await database.query<{ name: string }>(
    `SELECT relname AS name, oid, relfilenode, xmin FROM pg_class
      WHERE relnamespace = 'mirrorverse'::regnamespace ORDER BY relname`,
  );
  return [tables, await database.query('SELECT ctid, xmin, * FROM mirrorverse.migrations ORDER BY id')];
}

describe('migrate', () => {
  it('migrate creates the state schema and has nothing to do the second time', async () => {
    await using bench = await openBench([], { DATAVERSE_URL: '', DATAVERSE_ACCESS_TOKEN: '' });
    const { cli, database } = bench;
    const first = await cli.run(['migrate']);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    const state = await stateOf(database);
    expect(await database.query('SELECT FROM mirrorverse.tables')).toEqual([]);

    const second = await cli.run(['migrate']);
    expect(second).toMatchObject({ status: 0, stderr: '' });
    expect(second.stdout).toContain('up to date');
    expect(await stateOf(database)).toEqual(state);
  });

  it('migrate may be run by five processes at once on an empty database', async () => {
    await using bench = await openBench([]);
    const { cli, database } = bench;
    const ended = await Promise.all(Array.from({ length: 5 }, async () => cli.run(['migrate'])));
    expect(ended.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      Array.from({ length: 5 }, () => ({ status: 0, stderr: '' })),
    );
    const migrations = await database.query<{ hash: string }>(MIGRATIONS);
    expect(new Set(migrations.map(({ hash }) => hash)).size).toBe(migrations.length);
    expect(migrations.length).toBeGreaterThan(0);
    const changed = ended.filter(({ stdout }) => !stdout.includes('up to date'));
    expect(changed).toHaveLength(1);
  });
});
