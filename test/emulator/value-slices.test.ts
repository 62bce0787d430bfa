import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { VerificationResult } from '../../src/sync/verify/table-verification.ts';
import { VersionWindows } from '../../src/sync/verify/version-windows.ts';
import { SyncBench, type SyncSession } from '../support/sync.ts';

const ROWS = 300;
const PAGE = 20;
const DAY = 86_400_000;
const SLICES = 5;
const rolling = { every: DAY, values: SLICES * DAY };

let bench: SyncBench;
let session: SyncSession;
beforeAll(async () => {
  bench = await SyncBench.open();
  bench.emulator.store.seed('account', ROWS);
  session = await bench.session(['account'], { pageSize: PAGE });
  await session.sync();
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
beforeEach(async () => {
  bench.emulator.faults.clear();
  await session.sync({ restart: true });
  for (const kept of ['value_rounds', 'verified', 'differences', 'verifications']) {
    await bench.database.query(`TRUNCATE mirrorverse.${kept}`);
  }
  await bench.database.query('UPDATE mirrorverse.tables SET counted_since = now()');
});

/** Lets a day pass for the slices of values. */
async function nextDay(): Promise<void> {
  await bench.database.query(
    `UPDATE mirrorverse.value_rounds SET begun_at = begun_at - interval '1 day', sliced_at = sliced_at - interval '1 day'`,
  );
}

const sweep = async (windows = new VersionWindows()): Promise<VerificationResult> =>
  session.verify('account', 'sweep', { rolling, windows });

const open = async (): Promise<string[]> =>
  (await session.differences('account')).map(({ key, kind, columns }) => `${key} ${kind} ${columns.join()}`);

/** The rows of the mirror, the one with the lowest version first. */
const byVersion = async (): Promise<string[]> =>
  (
    await bench.database.query<{ id: string }>(
      'SELECT accountid::text AS id FROM dataverse.account ORDER BY versionnumber',
    )
  ).map(({ id }) => id);

const spoil = async (id: string | undefined): Promise<unknown> =>
  bench.database.query(`UPDATE dataverse.account SET name = name || '!' WHERE accountid = $1`, [id]);

const proofs = async (): Promise<Record<string, unknown>[]> =>
  bench.database.query(
    `SELECT method, rows::int, differences::int, through_version IS NOT NULL AS told, since <= at AS "isEarlier" FROM mirrorverse.verified ORDER BY 1`,
  );

/** Rows up to the version that the round has come to. */
const through = async (): Promise<unknown> =>
  (
    await bench.database.query(
      `SELECT (SELECT count(*)::int FROM dataverse.account WHERE versionnumber <= through_version) AS rows FROM mirrorverse.value_rounds`,
    )
  )[0]?.['rows'];

test('each sweep compares the values of a slice, and all values are compared once in a round, while rows change', async () => {
  const { store, settings } = bench.emulator;
  const ids = await byVersion();
  const planted = [10, 70, 130, 190, 250].map((at) => ids[at] ?? '');
  for (const id of planted) await spoil(id);
  // Rows that are below the slice, in it and above it change while the pages are read.
  let page = 0;
  settings.onPage = () => {
    page++;
    const id = ids[(page * 37) % ROWS];
    if (id !== undefined && !planted.includes(id)) store.update('account', id, { accountnumber: `${page}` });
  };
  let compared = 0;
  const methods: string[] = [];
  for (let slice = 1; slice <= SLICES; slice++) {
    const { method, rows, rowsByValue } = await sweep();
    compared += rowsByValue;
    expect(method).toBe('sweep');
    expect(rows).toBeGreaterThanOrEqual(ROWS);
    expect(rowsByValue).toBeLessThan(ROWS / 2);
    // Rows that have changed are above all others, so a later slice reaches further up among those of the beginning.
    const found = await open();
    expect(found.length).toBeGreaterThanOrEqual(slice);
    expect(found.toSorted()).toEqual(
      planted
        .slice(0, found.length)
        .map((id) => `${id} values name`)
        .toSorted(),
    );
    methods.push((await proofs()).map(({ method: proven }) => proven).join(' and '));
    await nextDay();
  }
  settings.onPage = null;
  // No proof of the values is on record before the last slice.
  expect(methods).toEqual([...Array<string>(SLICES - 1).fill('sweep'), 'sweep and values']);
  expect(await proofs()).toEqual([
    { method: 'sweep', rows: expect.any(Number) as number, differences: 5, told: true, isEarlier: true },
    { method: 'values', rows: compared, differences: 5, told: true, isEarlier: true },
  ]);
  expect(compared).toBeGreaterThanOrEqual(ROWS);
  // The status tells of the sweep, which looked at the whole table now.
  const [newest] = await bench.database.query('SELECT method FROM mirrorverse.verified ORDER BY at DESC');
  expect(newest).toEqual({ method: 'sweep' });
});

test('a difference in values stays on record until its slice is compared again', async () => {
  const id = (await byVersion())[10];
  await spoil(id);
  const told = [`${id} values name`];
  for (let slice = 1; slice <= SLICES; slice++) {
    await sweep();
    expect(await open()).toEqual(told);
    await nextDay();
    if (slice !== 1) continue;
    // A person mends the row, and the mirror does not know.
    await bench.database.query(`UPDATE dataverse.account SET name = left(name, -1) WHERE accountid = $1`, [
      id,
    ]);
  }
  await sweep();
  expect(await open()).toEqual([]);
});

test('a sweep between two others compares no values', async () => {
  expect((await sweep()).rowsByValue).toBe(ROWS / SLICES);
  expect((await sweep()).rowsByValue).toBe(0);
  await nextDay();
  expect((await sweep()).rowsByValue).toBe(ROWS / SLICES);
});

test('a slice that was interrupted goes on at its page, in another process', async () => {
  await sweep();
  await nextDay();
  const stop = new AbortController();
  let stored = 0;
  // Three pages of keys below the slice come first.
  const onProgress = (): void => {
    stored++;
    if (stored === 5) stop.abort(new Error('killed'));
  };
  const interrupted = session.verify('account', 'sweep', { rolling, onProgress }, stop.signal);
  await expect(interrupted).rejects.toThrow('killed');
  expect(
    await bench.database.query('SELECT rows::int, slice_rows::int FROM mirrorverse.verifications'),
  ).toEqual([{ rows: 5 * PAGE, slice_rows: 2 * PAGE }]);
  const pagesBefore = bench.emulator.requests.find({ table: 'account' }).length;
  await using next = await bench.session(['account'], { pageSize: PAGE, holder: 'next' });
  const found = await next.verify('account', 'sweep', { rolling });
  expect(found).toMatchObject({ rows: ROWS, rowsByValue: ROWS / SLICES, differences: 0 });
  const pages = bench.emulator.requests.find({ table: 'account' }).length - pagesBefore;
  // A delta, and the pages that are left. The request that was ahead of the stored page may be counted again.
  expect(pages).toBeLessThanOrEqual(1 + ROWS / PAGE - 5 + 2);
});

test('all values are compared at once where the environment does not answer windows of versions', async () => {
  const refusal = { status: 400, code: '0x80060888', message: 'No.' };
  bench.emulator.faults.add({ match: { path: /filter=versionnumber/ }, do: refusal });
  const windows = new VersionWindows();
  const compared: string[] = [];
  for (let slice = 1; slice <= SLICES; slice++) {
    const { method, rowsByValue } = await sweep(windows);
    compared.push(`${method} ${rowsByValue}`);
    await nextDay();
  }
  expect(compared).toEqual([...Array<string>(SLICES - 1).fill('sweep 0'), `values ${ROWS}`]);
});

test('a round begins anew after another load', async () => {
  for (const rows of [60, 120]) {
    await sweep();
    await nextDay();
    expect(await through()).toBe(rows);
  }
  await session.sync({ restart: true });
  await sweep();
  expect(await through()).toBe(60);
});
