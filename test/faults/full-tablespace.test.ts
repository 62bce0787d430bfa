import { expect, it } from 'vitest';
import { freePort, openBench } from '../support/bench.ts';
import { eventually, logLines } from '../support/command-line.ts';
import { smallTable } from '../support/small-table.ts';
import { sqlFailpoint } from '../support/sql-failpoint.ts';

const NAMES = ['new_Full', 'new_Roomy'];
const [FULL, ROOMY] = ['new_full', 'new_roomy'];

it('a tablespace without room is reported until its own table is stored, however many polls of another table succeed', async () => {
  const port = await freePort();
  await using bench = await openBench([FULL, ROOMY], {
    MIRRORVERSE_SCHEDULE: '* * * * * *',
    MIRRORVERSE_HEALTH_PORT: String(port),
  });
  const { emulator, database, cli } = bench;
  for (const name of NAMES) emulator.store.addTable(smallTable(name));
  const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
  const successes = async (): Promise<number> => {
    const [found] = await database.query<{ fence: string }>(
      'SELECT fence FROM mirrorverse.tables WHERE "table" = $1',
      [ROOMY],
    );
    return Number(found?.fence);
  };
  const daemon = cli.start(['run']);
  await eventually(
    async () =>
      (
        await database
          .query('SELECT FROM mirrorverse.tables WHERE last_success_at IS NOT NULL')
          .catch(() => [])
      ).length === 2,
    30_000,
  );

  await using failpoint = await sqlFailpoint(database, {
    table: `dataverse."${FULL}"`,
    sqlstate: '53100',
    times: Infinity,
  });
  emulator.store.seed(FULL, 3);
  await daemon.logged(({ code }) => code === 'database-unavailable');
  for (let polls = 0; polls < 3; polls++) {
    const before = await successes();
    await eventually(async () => (await successes()) > before);
    expect(await ready()).toBe(503);
  }
  const { document } = await cli.json(['status']);
  const { tables } = document as { tables: { table: string; error: { code: string } | null }[] };
  expect(tables).toMatchObject([
    { table: FULL, error: { code: 'database-unavailable' } },
    { table: ROOMY, error: null },
  ]);
  expect(logLines(daemon.stderr).filter(({ msg }) => msg.startsWith('Over'))).toEqual([]);

  await failpoint.remove();
  await daemon.logged(({ msg }) => msg.startsWith('Over after'));
  expect(await ready()).toBe(200);
  expect(logLines(daemon.stderr).filter(({ msg }) => msg.startsWith('Over'))).toHaveLength(1);
  expect((await daemon.stop('SIGTERM')).status).toBe(0);
}, 90_000);
