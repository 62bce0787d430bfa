import { expect, it } from 'vitest';
import { Random } from '../../src/emulator/seeding/random.ts';
import { seedOf } from '../support/driver/seeds.ts';
import type { Failpoint } from '../support/failpoint.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences } from '../support/oracle.ts';
import { SyncBench } from '../support/sync.ts';

/** How often a process is killed; `KILLS=100` for more. */
const KILLS = Number(process.env['KILLS'] ?? '2');
const ROWS = 60;
const EXTRA = '00000000-0000-4000-8000-000000000001';
const VERIFY = ['verify', '--values', '--repair', '--json'];
const seed = seedOf(process.env);

function start(bench: SyncBench, failpoint: Failpoint): FailpointProcess {
  const settings = { MIRRORVERSE_PAGE_SIZE: '20', MIRRORVERSE_LEASE: '1s' };
  return FailpointProcess.start(VERIFY, mirrorEnvironment(bench, ['account'], settings), failpoint);
}

/** SQL: the key of a row. */
const row = (at: number): string =>
  `(SELECT accountid FROM dataverse.account ORDER BY 1 OFFSET ${at} LIMIT 1)`;

/** Makes one row of each kind differ, behind the daemon's back. */
async function plant({ database }: SyncBench): Promise<void> {
  await database.query(
    `UPDATE dataverse.account SET name = 'other' WHERE accountid = ${row(3)};
     UPDATE dataverse.account SET versionnumber = versionnumber - 1, name = 'old' WHERE accountid = ${row(5)};
     DELETE FROM dataverse.account WHERE accountid = ${row(7)};
     INSERT INTO dataverse.account (accountid, versionnumber, _mirrored_at) VALUES ('${EXTRA}', 5, now())
     ON CONFLICT DO NOTHING`,
  );
}

it(`a verification that is killed before any of its statements is ended by the next one, which leaves no difference (SEED=${seed})`, async () => {
  const random = new Random(seed);
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  store.seed('account', ROWS);
  await bench.sync(['account']);
  await plant(bench);
  let statements = 0;
  {
    await using listed = start(bench, { kind: 'list' });
    expect((await listed.end()).status).toBe(0);
    statements = listed.reached.length;
  }
  for (let kill = 0; kill < KILLS; kill++) {
    await plant(bench);
    const number = random.integer(0, statements - 1);
    let stoodAt = '';
    {
      await using killed = start(bench, { kind: 'statement', number });
      if (await killed.standing()) await killed.kill();
      stoodAt = `${number}: ${killed.reached.join().slice(0, 90)}`;
    }
    await using next = start(bench, { kind: 'list' });
    const { status, stdout } = await next.end();
    const { tables } = JSON.parse(stdout) as { tables: { rows: number; open: number; error: unknown }[] };
    expect({ stoodAt, status, tables }).toMatchObject({
      status: 0,
      tables: [{ rows: ROWS, open: 0, error: null }],
    });
    expect([stoodAt, await differences(store, bench.database, 'account')]).toEqual([stoodAt, []]);
    const scratch = `SELECT relname FROM pg_class WHERE relname ~ '^(verify|suspects)_'`;
    expect([stoodAt, await bench.database.query(scratch)]).toEqual([stoodAt, []]);
  }
});
