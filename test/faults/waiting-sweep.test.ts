import { expect, it } from 'vitest';
import type { TablePlan } from '../../src/operations/table-plan.ts';
import { openBench } from '../support/bench.ts';

it('a daemon that is killed while its table waits for a confirmation keeps the wait; plan shows it and plan --apply ends it', async () => {
  await using bench = await openBench(['account', 'contact'], {
    MIRRORVERSE_LEASE: '1s',
    MIRRORVERSE_SWEEP_MAX_SHARE: '0.1',
  });
  const { cli, emulator, database } = bench;
  const { store, settings } = emulator;
  const ids = store.seed('account', 20);
  expect((await cli.run(['sync'])).status).toBe(0);
  for (const id of ids) store.remove('account', id);
  settings.expireTokens();
  const [contact] = store.seed('contact', 1);

  const daemon = cli.start(['run'], { MIRRORVERSE_SCHEDULE: '* * * * * *' });
  const refusal = await daemon.logged((line) => line['code'] === 'sweep-refused');
  expect(refusal).toMatchObject({ table: 'account', unseen: 20, rows: 20 });
  await daemon.stop('SIGKILL');
  expect((await cli.run(['sync'])).status).toBe(1);
  expect(await database.query('SELECT FROM dataverse.account')).toHaveLength(20);
  expect(await database.query('SELECT FROM dataverse.contact WHERE contactid = $1', [contact])).toHaveLength(
    1,
  );

  const { document } = await cli.json(['status']);
  expect(document).toMatchObject({
    tables: [{ table: 'account', phase: 'attention', rows: 20, error: { code: 'sweep-refused' } }, {}],
  });
  const planned = async (args: readonly string[]): Promise<TablePlan | undefined> =>
    ((await cli.json(['plan', 'account', ...args])).document as { tables: TablePlan[] }).tables[0];
  expect(await planned([])).toMatchObject({ load: null, sweep: { unseen: 20, rows: 20, allowed: false } });
  expect((await cli.run(['plan', 'account'])).stdout).toContain(
    'waits for a yes: delete 20 of 20 rows that the last re-baseline did not see',
  );
  expect(await database.query('SELECT FROM dataverse.account')).toHaveLength(20);
  expect(await planned(['--apply'])).toMatchObject({ sweep: { unseen: 20, allowed: true } });
  expect((await cli.run(['sync'])).status).toBe(0);
  expect(await database.query('SELECT FROM dataverse.account')).toEqual([]);
  expect(await planned([])).toMatchObject({ sweep: null });
}, 60_000);
