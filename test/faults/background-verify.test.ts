import { expect, test } from 'vitest';
import { eventually } from '../support/command-line.ts';
import { openBench } from '../support/bench.ts';

test('the daemon finds planted differences in the background, repairs them, and keeps within its share', async () => {
  await using bench = await openBench(['account'], {
    MIRRORVERSE_SCHEDULE: '*/1 * * * * *',
    MIRRORVERSE_PAGE_SIZE: '50',
  });
  const { emulator, database, cli } = bench;
  emulator.store.seed('account', 400);
  await cli.file('mirrorverse.yaml', 'verify: { every: 2s, share: 50%, values: 3s, repair: repair }\n');
  const daemon = cli.start(['run']);
  const count = async (): Promise<number> =>
    (await database.query('SELECT FROM dataverse.account').catch(() => [])).length;
  await eventually(async () => (await count()) === 400);
  await database.query(
    `DELETE FROM dataverse.account WHERE accountid IN (SELECT accountid FROM dataverse.account LIMIT 3)`,
  );
  await database.query(
    `UPDATE dataverse.account SET name = 'wrong' WHERE accountid IN (SELECT accountid FROM dataverse.account LIMIT 2)`,
  );
  await eventually(async () => (await count()) === 400, 60_000);
  await eventually(
    async () => (await database.query(`SELECT FROM dataverse.account WHERE name = 'wrong'`)).length === 0,
    60_000,
  );
  const { stderr } = await daemon.stop('SIGTERM');
  expect(stderr).toContain('differed and are repaired');
}, 150_000);
