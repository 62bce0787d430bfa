import { expect, test } from 'vitest';
import { openBench } from '../support/bench.ts';
import { runCheck } from '../support/check-document.ts';
import { foreignEngine } from '../support/foreign-engine.ts';

test('check finds a database without Citus where the mirror is to be distributed', async () => {
  await using bench = await openBench(['account']);
  await bench.cli.file('mirrorverse.yaml', 'postgres: { distribution: citus }');
  const { findings } = await runCheck(bench.cli);
  expect(findings.filter(({ ok }) => !ok)).toEqual([
    expect.objectContaining({
      id: 'postgres.citus',
      code: 'citus-missing',
      remedy: expect.stringContaining('CREATE EXTENSION citus') as string,
    }),
  ]);
});

test.each([
  ['CockroachDB', 'CockroachDB CCL v24.3.1 (x86_64-pc-linux-gnu, built 2024/12/02 18:10:13, go1.22.8)'],
  ['YugabyteDB', 'PostgreSQL 15.2-YB-2025.1.0.1-b0 on x86_64-pc-linux-gnu, compiled by clang 17, 64-bit'],
])('check and sync refuse %s by its name, although it knows none of the settings', async (name, version) => {
  await using bench = await openBench(['account']);
  await using engine = await foreignEngine(version);
  const { ok, findings } = await runCheck(bench.cli, { DATABASE_URL: engine.url });
  expect(ok).toBe(false);
  expect(findings.filter(({ id }) => id.startsWith('postgres.'))).toEqual([
    {
      id: 'postgres.engine',
      ok: false,
      subject: 'PostgreSQL',
      message: expect.stringContaining(name) as string,
      remedy: expect.stringContaining('PostgreSQL server') as string,
      code: 'engine-unfit',
    },
  ]);
  const { status, stderr } = await bench.cli.run(['sync'], { DATABASE_URL: engine.url });
  expect(status).toBe(1);
  expect(stderr).toContain('engine-unfit');
});
