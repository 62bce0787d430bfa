import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench(['account']);
  bench.emulator.store.seed('account', 300);
  await bench.cli.run(['sync']);
});
afterAll(async () => bench[Symbol.asyncDispose]());

interface Verified {
  readonly ok: boolean;
  readonly tables: readonly {
    readonly table: string;
    readonly total: number;
    readonly rows: number;
    readonly requests: number;
    readonly throughVersion: string | null;
    readonly differences: readonly { key: string; kind: string; columns: string[]; repaired: boolean }[];
    readonly error: unknown;
  }[];
}

async function verify(...options: string[]): Promise<Verified & { status: number | null }> {
  const { status, document, stderr } = await bench.cli.json(['verify', ...options]);
  expect(stderr).toBe('');
  return { status, ...(document as Verified) };
}

/** What was found, by key. */
const found = (all: Verified): Record<string, string> =>
  Object.fromEntries(
    (all.tables[0]?.differences ?? []).map(({ key, kind, columns }) => [key, [kind, ...columns].join(' ')]),
  );

const keyOf = async (offset: number): Promise<string> => {
  const [row] = await bench.database.query<{ id: string }>(
    `SELECT accountid::text AS id FROM dataverse.account ORDER BY 1 OFFSET ${offset} LIMIT 1`,
  );
  return row?.id ?? '';
};

test('a mirror that equals its source is proven so, by its keys and by its values', async () => {
  const sweep = await verify();
  expect(sweep).toMatchObject({ status: 0, ok: true, tables: [{ total: 0, rows: 300, error: null }] });
  const values = await verify('--values');
  expect(values).toMatchObject({ status: 0, ok: true, tables: [{ total: 0, rows: 300, error: null }] });
});

test('planted differences are found, named and repaired, and nothing else is', async () => {
  const { database } = bench;
  const [missing, stale, name, empty] = [await keyOf(3), await keyOf(7), await keyOf(11), await keyOf(13)];
  const extra = '00000000-0000-4000-8000-000000000001';
  await database.query(
    `INSERT INTO dataverse.account (accountid, name, versionnumber, _mirrored_at) VALUES ('${extra}', 'x', 5, now())`,
  );
  await database.query(`DELETE FROM dataverse.account WHERE accountid = '${missing}'`);
  await database.query(
    `UPDATE dataverse.account SET versionnumber = versionnumber - 1, name = 'old' WHERE accountid = '${stale}'`,
  );
  await database.query(`UPDATE dataverse.account SET name = 'other' WHERE accountid = '${name}'`);
  await database.query(`UPDATE dataverse.account SET description = '' WHERE accountid = '${empty}'`);
  const sweep = await verify();
  expect(sweep.status).toBe(1);
  expect(found(sweep)).toEqual({ [missing]: 'missing', [extra]: 'extra', [stale]: 'stale' });
  const values = await verify('--values');
  expect(found(values)).toMatchObject({
    [missing]: 'missing',
    [extra]: 'extra',
    [stale]: 'stale',
    [name]: 'values name',
  });
  const repaired = await verify('--values', '--repair');
  expect(repaired.status).toBe(0);
  expect((await verify('--values')).tables[0]).toMatchObject({ total: 0, rows: 300 });
});

test('each of many extra rows costs one request to confirm', async () => {
  const extra = 30;
  await bench.database.query(
    `INSERT INTO dataverse.account (accountid, name, versionnumber, _mirrored_at)
     SELECT gen_random_uuid(), 'x', 5, now() FROM generate_series(1, ${extra})`,
  );
  const [table] = (await verify()).tables;
  // One page, and in each of two rounds one list.
  expect(table).toMatchObject({ total: extra, requests: 1 + 2 + extra });
  expect((await verify('--repair', '--yes')).status).toBe(0);
});

test('a sweep keeps other values on record until the row is written again', async () => {
  const { database, emulator, cli } = bench;
  const [first, second] = [await keyOf(20), await keyOf(21)];
  await database.query(
    `UPDATE dataverse.account SET name = 'other' WHERE accountid IN ('${first}', '${second}')`,
  );
  const both = { [first]: 'values name', [second]: 'values name' };
  expect(found(await verify('--values'))).toEqual(both);
  const sweep = await verify();
  expect(found(sweep)).toEqual(both);
  expect(sweep.status).toBe(1);
  const { document } = await cli.json(['status']);
  expect(document).toMatchObject({
    tables: [
      { verified: { method: 'sweep', throughVersion: sweep.tables[0]?.throughVersion, differences: 2 } },
    ],
  });
  emulator.store.update('account', first, { name: 'new' });
  await cli.run(['sync']);
  expect(found(await verify())).toEqual({ [second]: 'values name' });
  expect((await verify('--values', '--repair')).status).toBe(0);
  expect(await verify()).toMatchObject({ status: 0, tables: [{ total: 0 }] });
});

test('a calculated column that changed without a version is no difference, and a repair refreshes it', async () => {
  const { database } = bench;
  const key = await keyOf(30);
  const value = async (): Promise<unknown> =>
    (
      await database.query<{ value: string | null }>(
        `SELECT new_revenueperemployee::text AS value FROM dataverse.account WHERE accountid = '${key}'`,
      )
    )[0]?.value;
  const before = await value();
  await database.query(
    `UPDATE dataverse.account SET new_revenueperemployee = 99.5 WHERE accountid = '${key}'`,
  );
  expect(await verify('--values')).toMatchObject({ status: 0, tables: [{ total: 0, rows: 300 }] });
  expect(await value()).toBe('99.5');
  expect(await verify('--values', '--repair')).toMatchObject({
    status: 0,
    tables: [{ total: 0, rows: 300 }],
  });
  expect(await value()).toBe(before);
});
