import { expect, test } from 'vitest';
import { eventually } from '../support/command-line.ts';
import { openBench } from '../support/bench.ts';

test('the daemon finds planted differences in the background and repairs them, but asks before it empties a table', async () => {
  await using bench = await openBench(['account', 'lead'], {
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
  // The source has none of these leads, as if a privilege were lost.
  const followed = `SELECT FROM mirrorverse.tables WHERE "table" = 'lead' AND phase = 'delta'`;
  await eventually(async () => (await database.query(followed)).length === 1);
  await database.query(
    `INSERT INTO dataverse.lead (leadid, versionnumber, _mirrored_at) SELECT gen_random_uuid(), 5, now() FROM generate_series(1, 12)`,
  );
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
  await daemon.logged((line) => line['table'] === 'lead' && line['open'] === 12, 60_000);
  expect(await database.query('SELECT FROM dataverse.lead')).toHaveLength(12);
  const { stderr } = await daemon.stop('SIGTERM');
  expect(stderr).toContain('differed and are repaired');
}, 150_000);

test('a daemon that verifies nothing by itself verifies a table that somebody asked for, by SQL and over HTTP', async () => {
  await using bench = await openBench(['account', 'contact', 'lead'], {
    MIRRORVERSE_SCHEDULE: '*/1 * * * * *',
    MIRRORVERSE_HEALTH_PORT: '0',
    MIRRORVERSE_API_TOKEN: 'a-token-of-some-length',
  });
  const { emulator, database, cli } = bench;
  emulator.store.seed('account', 20);
  await cli.file('mirrorverse.yaml', 'verify: false\n');
  const daemon = cli.start(['run']);
  const { port } = await daemon.logged(({ msg }) => msg === 'Answering health checks.');
  const at = `http://127.0.0.1:${String(port)}`;
  const verified = async (table: string): Promise<unknown> => {
    const { tables } = (await (await fetch(`${at}/status`)).json()) as {
      tables: { table: string; verified: unknown }[];
    };
    return tables.find((entry) => entry.table === table)?.verified;
  };
  await daemon.logged((line) => line['table'] === 'account' && line['rowsWritten'] === 20);
  await database.query(
    `DELETE FROM dataverse.account WHERE accountid IN (SELECT accountid FROM dataverse.account LIMIT 2)`,
  );
  await database.query(`SELECT mirrorverse.verify('account')`);
  // The daemon looks for wishes every few seconds, so both are there before the next look.
  const answer = await fetch(`${at}/api/v1/tables/contact/verify`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-token-of-some-length' },
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    table: 'contact',
    verifyAskedAt: expect.any(String) as string,
    verified: null,
  });
  await eventually(async () => (await verified('contact')) !== null, 60_000);
  expect(await verified('account')).toMatchObject({ method: 'sweep', differences: 2 });
  expect(await verified('contact')).toMatchObject({ differences: 0 });
  expect(await verified('lead')).toBeNull();
  const metrics = await (await fetch(`${at}/metrics`)).text();
  expect(metrics).toContain('mirrorverse_verify_differences{table="account"} 2\n');
  expect(metrics).toMatch(/^mirrorverse_verify_last_timestamp_seconds\{table="account"\} \d{10}/m);
  expect(metrics).not.toContain('mirrorverse_verify_last_timestamp_seconds{table="lead"}');
  expect(await database.query(`SELECT FROM mirrorverse.tables WHERE verify_asked_at IS NOT NULL`)).toEqual(
    [],
  );
  await cli.run(['verify', 'account', '--repair']);
  expect(await verified('account')).toMatchObject({ differences: 0 });
  await daemon.stop('SIGTERM');
}, 150_000);
