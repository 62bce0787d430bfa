import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { differences } from '../support/oracle.ts';
import { SyncBench, type SyncSession } from '../support/sync.ts';

const ROWS = 40;
const TABLE = 'dataverse.account';

let bench: SyncBench;
let session: SyncSession;
let row: string;
beforeAll(async () => {
  bench = await SyncBench.open();
  const [id = ''] = bench.emulator.store.seed('account', ROWS);
  row = id;
  bench.emulator.store.update('account', row, { name: 'small' });
  session = await bench.session(['account'], { pageSize: 25 });
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
// The last run found the table up to date, so the next ones are polls that do not look at the mirror table.
beforeEach(async () => {
  for (let pass = 0; pass < 2; pass++) await session.sync();
});

/** Does what a person does to a table, and undoes it after the work. */
async function damaged(sql: string, undo: string, work: () => Promise<void>): Promise<void> {
  await bench.database.query(sql);
  try {
    await work();
  } finally {
    await bench.database.query(undo);
  }
}

async function refusal(work: Promise<unknown>): Promise<Pick<Failure, 'code' | 'remedy'>> {
  const error: unknown = await work.catch((failure: unknown) => failure);
  if (!(error instanceof Failure)) throw new Error('There is no failure.');
  return error;
}

const equal = { rows: ROWS, differences: 0, unsettled: 0 };

test('a verification has a dropped column filled before it compares, also for a process that knew the column', async () => {
  for (const method of ['sweep', 'values'] as const) {
    await bench.database.query(`ALTER TABLE ${TABLE} DROP COLUMN name`);
    expect(await session.verify('account', method)).toMatchObject(equal);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  }
});

test('a comparison of values names no column that the source has lost since', async () => {
  const { settings, store } = bench.emulator;
  settings.removedColumns = 'left-out';
  store.removeColumn('account', 'telephone1');
  expect(await session.verify('account', 'values')).toMatchObject(equal);
});

test('a verification refuses a table without its key, in which rows may be there twice', async () => {
  const drop = `ALTER TABLE ${TABLE} DROP CONSTRAINT account_pkey`;
  await damaged(drop, `ALTER TABLE ${TABLE} ADD PRIMARY KEY (accountid)`, async () => {
    for (const method of ['sweep', 'values'] as const) {
      const { code, remedy } = await refusal(session.verify('account', method));
      expect([code, remedy]).toEqual(['key-missing', expect.stringContaining('ADD PRIMARY KEY') as string]);
    }
  });
});

test('a comparison of values names the rule that is in its way', async () => {
  const rule = `CREATE RULE mine AS ON UPDATE TO ${TABLE} DO INSTEAD NOTHING`;
  await damaged(rule, `DROP RULE mine ON ${TABLE}`, async () => {
    const { code, remedy } = await refusal(session.verify('account', 'values'));
    expect([code, remedy]).toEqual(['rows-swallowed', expect.stringContaining('DROP rule "mine"') as string]);
  });
});

test('a repair whose deletion a trigger prevents is no repair', async () => {
  await bench.database.query(
    `INSERT INTO ${TABLE} (accountid, versionnumber, _mirrored_at) VALUES (gen_random_uuid(), 5, now());
     CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
  );
  const trigger = `CREATE TRIGGER keep BEFORE DELETE ON ${TABLE} FOR EACH ROW EXECUTE FUNCTION keep()`;
  await damaged(trigger, `DROP TRIGGER keep ON ${TABLE}`, async () => {
    expect(await session.verify('account', 'sweep')).toMatchObject({ differences: 1 });
    expect((await refusal(session.repair('account'))).code).toBe('rows-swallowed');
    expect(await session.differences('account')).toMatchObject([{ kind: 'extra', repaired: false }]);
  });
  expect(await session.repair('account')).toBe(1);
  expect(await session.verify('account', 'sweep')).toMatchObject(equal);
});

test('a repair whose values a trigger changes is no repair', async () => {
  await bench.database.query(
    `UPDATE ${TABLE} SET name = 'BIG' WHERE accountid = '${row}';
     CREATE FUNCTION enlarge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name = upper(NEW.name); RETURN NEW; END $$`,
  );
  const trigger = `CREATE TRIGGER enlarge BEFORE INSERT OR UPDATE ON ${TABLE} FOR EACH ROW EXECUTE FUNCTION enlarge()`;
  await damaged(trigger, `DROP TRIGGER enlarge ON ${TABLE}`, async () => {
    expect(await session.verify('account', 'values')).toMatchObject({ differences: 1 });
    expect(await session.repair('account')).toBe(0);
    expect(await session.differences('account')).toMatchObject([{ key: row, repaired: false }]);
  });
  expect(await session.repair('account')).toBe(1);
  expect(await session.verify('account', 'values')).toMatchObject(equal);
});

test('a comparison of values tells letters apart that the collation of a column takes for the same', async () => {
  await bench.database.query(
    `CREATE COLLATION either (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     ALTER TABLE ${TABLE} ALTER name TYPE text COLLATE either`,
  );
  await session.verify('account', 'values');
  await bench.database.query(`UPDATE ${TABLE} SET name = 'SMALL' WHERE accountid = '${row}'`);
  expect(await session.verify('account', 'values')).toMatchObject({ differences: 1 });
  expect(await session.differences('account')).toMatchObject([{ key: row, columns: ['name'] }]);
  expect(await session.repair('account')).toBe(1);
  expect(await session.verify('account', 'values')).toMatchObject(equal);
});
