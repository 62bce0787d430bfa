import { describe, expect, it } from 'vitest';
import { freshRole } from '../support/database.ts';
import { allDifferences } from '../support/oracle.ts';
import { sqlFailpoint } from '../support/sql-failpoint.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';

describe('a PostgreSQL that has run out of something', () => {
  it.for([
    ['space', '53100'],
    ['memory', '53200'],
  ] as const)(
    'a table that meets a PostgreSQL without %s keeps its link where it was, and goes on by itself',
    async ([, sqlstate]) => {
      await using bench = await SyncBench.open();
      const { emulator, database } = bench;
      emulator.store.seed(TABLE, 100);
      const link = async (): Promise<unknown> =>
        database.query(`SELECT phase, link FROM mirrorverse.tables WHERE "table" = $1`, [TABLE]);
      const warned: Promise<unknown>[] = [];
      await using session = await bench.session([TABLE], {
        pageSize: 100,
        warn: () => warned.push(Promise.all([link(), database.query('SELECT FROM dataverse.account')])),
      });
      expect(failures(await session.sync())).toEqual({});
      const before = await link();
      emulator.store.seed(TABLE, 100);
      const options = { table: 'dataverse.account', sqlstate, at: 50, times: 2 };
      await using failpoint = await sqlFailpoint(database, options);
      const [result] = await session.sync();
      expect(result).toMatchObject({ failure: null, rowsRead: 100, rowsWritten: 100 });
      expect(await failpoint.passed()).toBeGreaterThan(100);
      const seen = (await Promise.all(warned)) as [unknown, unknown[]][];
      // A line a trouble, no more.
      expect(seen).toHaveLength(2);
      expect(seen.map(([stored]) => stored)).toEqual([before, before]);
      expect(seen.map(([, rows]) => rows.length)).toEqual([100, 100]);
      expect(await allDifferences(emulator.store, database, [TABLE])).toEqual([]);
    },
  );

  it('a PostgreSQL that has run out of connections is waited for, not stormed', async () => {
    // The role of its own makes the schemas.
    await using bench = await SyncBench.open({}, 'administrator');
    const { emulator, database } = bench;
    emulator.store.seed(TABLE, 100);
    await using role = await freshRole(database);
    const name = new URL(database.url).pathname.slice(1);
    await database.query(`GRANT CREATE ON DATABASE ${name} TO ${role.name}`);
    const warnings: string[] = [];
    const options = { databaseUrl: role.url, warn: (text: string) => warnings.push(text) };
    await using session = await bench.session([TABLE], options);
    expect(failures(await session.sync())).toEqual({});
    emulator.store.seed(TABLE, 100);
    await database.query(`ALTER ROLE ${role.name} CONNECTION LIMIT 0`);
    await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [
      role.name,
    ]);
    const pass = session.sync();
    await expect.poll(() => warnings.join('\n'), { timeout: 20_000 }).toContain('53300');
    await database.query(`ALTER ROLE ${role.name} CONNECTION LIMIT -1`);
    expect(failures(await pass)).toEqual({});
    expect(warnings.length).toBeLessThan(10);
    expect(await allDifferences(emulator.store, database, [TABLE])).toEqual([]);
  });
});
