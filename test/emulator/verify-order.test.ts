import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/command-line.ts';
import { BenchDaemon } from '../support/daemon.ts';
import type { VerifyWishes } from '../../src/sync/verify/verifier.ts';
import { SyncBench } from '../support/sync.ts';

const HOUR = 3_600_000;
const DAILY: VerifyWishes = { every: 24 * HOUR, share: 1, values: undefined, repair: 'off' };
/** Hours since the last proof, or since the first load: `contact` is due first by its age. */
const AGES = { account: 25, contact: 27, lead: 26 };

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.open();
  bench.emulator.store.seed('account', 300);
  bench.emulator.store.seed('contact', 5);
  await bench.sync(Object.keys(AGES));
});
afterEach(async () => bench[Symbol.asyncDispose]());

/** Lets so many hours pass since the last proof of a table. */
async function age(table: string, hours: number): Promise<void> {
  await bench.database.query(
    `UPDATE mirrorverse.tables SET counted_since = now() - make_interval(hours => $2) WHERE "table" = $1`,
    [table, hours],
  );
}

/** A daemon whose tables run once at its start, and when a verification asks for it. */
const daemon = (verify: VerifyWishes = DAILY): BenchDaemon =>
  new BenchDaemon(bench, Object.keys(AGES), HOUR, '0 0 1 1 *', HOUR, verify);

/** Tables in the order of their proofs. */
const proven = async (): Promise<unknown[]> =>
  (await bench.database.query('SELECT "table" FROM mirrorverse.verified ORDER BY at')).map(
    (row) => row['table'],
  );

/** Verifies all tables, which are due. */
async function verifyAll(): Promise<unknown[]> {
  await bench.database.query('TRUNCATE mirrorverse.verified');
  for (const [table, hours] of Object.entries(AGES)) await age(table, hours);
  await using _ = daemon();
  await eventually(async () => (await proven()).length === 3);
  return await proven();
}

const countRequests = (): number => bench.emulator.requests.find({ kind: 'record-count' }).length;

test('a table whose rows are not as many as the environment counted is verified first, and counts are read once a day', async () => {
  // A refusal changes nothing, and is no reason to ask again.
  bench.emulator.faults.add({ match: { kind: 'record-count' }, times: 1, do: { status: 403 } });
  expect(await verifyAll()).toEqual(['contact', 'lead', 'account']);
  expect(countRequests()).toBe(1);
  await bench.database.query(
    `DELETE FROM dataverse.account WHERE accountid IN (SELECT accountid FROM dataverse.account LIMIT 150)`,
  );
  // The next process asks for no count before a day has passed.
  expect(await verifyAll()).toEqual(['contact', 'lead', 'account']);
  expect(countRequests()).toBe(1);
  await bench.database.query(`UPDATE mirrorverse.environments SET counted_at = now() - interval '1 day'`);
  expect(await verifyAll()).toEqual(['account', 'contact', 'lead']);
  expect(countRequests()).toBe(2);
});

test('a verification gives way to another one that somebody asks for, and goes on afterwards', async () => {
  await age('account', 25);
  const stalled = Promise.withResolvers<undefined>();
  const released = Promise.withResolvers<undefined>();
  bench.emulator.settings.onPage = async ({ table, kind }) => {
    if (table !== 'account' || kind !== 'list') return;
    stalled.resolve(undefined);
    await released.promise;
  };
  await using _ = daemon();
  await stalled.promise;
  const [begun] = await bench.database.query(
    'SELECT "table", started_at AS since FROM mirrorverse.verifications',
  );
  expect(begun).toMatchObject({ table: 'account' });
  await bench.database.query(`SELECT mirrorverse.verify('contact')`);
  await eventually(async () => (await proven()).length > 0, 20_000);
  expect(await proven()).toEqual(['contact']);
  released.resolve(undefined);
  await eventually(async () => (await proven()).length === 2, 20_000);
  const [ended] = await bench.database.query(
    `SELECT "table", since FROM mirrorverse.verified WHERE "table" = 'account'`,
  );
  expect(ended).toEqual(begun);
}, 60_000);

test('values that are late are compared once, although no sweep is due', async () => {
  for (const table of Object.keys(AGES)) await age(table, 1);
  // Another load has come since, so this round is not late but void.
  await bench.database.query(
    `INSERT INTO mirrorverse.value_rounds (environment_id, "table", basis, begun_at, through_version)
     SELECT environment_id, "table", 'of another load', now() - interval '30 days', 5
       FROM mirrorverse.tables WHERE "table" = 'account'`,
  );
  const proofs = async (): Promise<unknown[]> =>
    bench.database.query('SELECT "table", method, rows::int FROM mirrorverse.verified ORDER BY 1, 2');
  const walks = (): number =>
    bench.emulator.requests.find({ table: 'account' }).filter(({ url }) => url.includes('orderby')).length;
  const verified = async (): Promise<unknown[]> => {
    await using _ = daemon({ ...DAILY, values: 720 * HOUR });
    await eventually(async () => (await proofs()).length > 0);
    const before = walks();
    // Two further looks for what is due find nothing.
    await delay(1_200);
    expect(walks()).toBe(before);
    return await proofs();
  };
  expect(await verified()).toEqual([{ table: 'account', method: 'sweep', rows: 300 }]);
  await bench.database.query(
    `TRUNCATE mirrorverse.verified;
     UPDATE mirrorverse.value_rounds SET begun_at = now() - interval '31 days', sliced_at = now()`,
  );
  expect(await verified()).toEqual([{ table: 'account', method: 'values', rows: 300 }]);
});
