import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { eventually, isWarning, logLines, type LogLine } from '../support/command-line.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { smallTable } from '../support/small-table.ts';

const NAMES = Array.from({ length: 50 }, (_, index) => `new_Flood${index}`);
const TABLES = NAMES.map((name) => name.toLowerCase());

/** The lines that were written since, without those of tables that are well. */
function since(stderr: string, begin: number): LogLine[] {
  return logLines(stderr.slice(begin)).filter((line) => isWarning(line) || line['code'] !== undefined);
}

it('an outage of database and environment that fifty tables meet is a few lines of the log, and no table is forgotten', async () => {
  await using bench = await openBench(TABLES, {
    MIRRORVERSE_SCHEDULE: '*/2 * * * * *',
    MIRRORVERSE_TABLES_AT_ONCE: '25',
  });
  const { emulator, database, cli } = bench;
  for (const name of NAMES) emulator.store.addTable(smallTable(name));
  await using proxy = await FaultProxy.between(database.url);
  for (const table of TABLES) emulator.store.seed(table, 1);
  const daemon = cli.start(['run'], { DATABASE_URL: proxy.url(database.url) });
  const succeeded = `SELECT count(*)::int AS count FROM mirrorverse.tables WHERE last_success_at > $1`;
  const allSince = async (moment: Date): Promise<boolean> => {
    const [row] = await database.query<{ count: number }>(succeeded, [moment]).catch(() => []);
    return row?.count === TABLES.length;
  };
  await eventually(async () => allSince(new Date(0)), 60_000);

  const beforeDatabase = daemon.stderr.length;
  // In one go: a table that is refused while others go on would be an outage of its own.
  proxy.reset();
  await proxy.refuse();
  await daemon.logged(({ code }) => code === 'database-unreachable');
  await delay(4_000);
  await proxy.restore();
  // A run that had its last answer just before the outage may report its success after the first failure.
  const over = await daemon.logged(({ msg, tables }) => msg.startsWith('Over after') && Number(tables) >= 20);
  expect(over).toMatchObject({ code: 'database-unreachable' });
  const databaseBack = new Date();
  await eventually(async () => allSince(databaseBack), 60_000);
  const ofDatabase = since(daemon.stderr, beforeDatabase);
  expect(ofDatabase.length).toBeLessThanOrEqual(8);

  const beforeSource = daemon.stderr.length;
  for (const status of [503, 429]) {
    const refused = emulator.faults.add({ do: { status, retryAfter: 1 } });
    await eventually(() => refused.hits >= 30);
    refused.remove();
  }
  const sourceBack = new Date();
  await eventually(async () => allSince(sourceBack), 60_000);
  const ofSource = since(daemon.stderr, beforeSource);
  expect(ofSource.length).toBeLessThanOrEqual(6);
  expect(ofSource.map(({ status }) => status)).toEqual(expect.arrayContaining([503, 429]));
  expect((await daemon.stop('SIGTERM')).status).toBe(0);
}, 180_000);
