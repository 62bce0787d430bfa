import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { VersionWindows } from '../../src/sync/verify/version-windows.ts';
import { SyncBench, type SyncSession } from '../support/sync.ts';

const ROWS = 300;
const PAGE = 20;

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
beforeEach(() => {
  bench.emulator.faults.clear();
  bench.emulator.requests.clear();
});

/** Pages of plain reads, with and without a filter. */
const pages = (): { readonly filtered: number; readonly plain: number } => {
  const urls = bench.emulator.requests.find({ table: 'account' }).map(({ url }) => url);
  const reads = urls.filter((url) => url.includes('orderby'));
  const filtered = reads.filter((url) => url.includes('filter')).length;
  return { filtered, plain: reads.length - filtered };
};

test('a table of more rows than a window has is read window by window, and equals its source', async () => {
  const windows = new VersionWindows(100);
  expect(await session.verify('account', 'sweep', { windows })).toMatchObject({ rows: ROWS, differences: 0 });
  expect(pages()).toEqual({ filtered: 15, plain: 0 });
});

test('a table of as many rows as a window has is read without windows', async () => {
  await session.verify('account', 'sweep', { windows: new VersionWindows(ROWS) });
  expect(pages()).toEqual({ filtered: 0, plain: 15 });
});

test('a table is read without windows from then on if the environment refuses their filter', async () => {
  const refusal = { status: 400, code: '0x80060888', message: 'No.' };
  bench.emulator.faults.add({ match: { path: /filter=versionnumber/ }, do: refusal });
  const windows = new VersionWindows(100);
  for (const probes of [1, 0]) {
    bench.emulator.requests.clear();
    expect(await session.verify('account', 'sweep', { windows })).toMatchObject({
      rows: ROWS,
      differences: 0,
    });
    expect(pages()).toEqual({ filtered: probes, plain: 15 });
  }
});

test('a table is read without windows if the environment ignores their filter', async () => {
  bench.emulator.faults.add({
    match: { path: /filter=versionnumber/ },
    do: { transformText: (text) => text.replaceAll('"versionnumber":', '"versionnumber":9') },
  });
  const found = await session.verify('account', 'sweep', { windows: new VersionWindows(100) });
  expect(found).toMatchObject({ rows: ROWS, differences: 0 });
  expect(pages()).toMatchObject({ plain: 15 });
});

test('a table is read anew without windows if a page in the middle of a window times out', async () => {
  const timeOut = { status: 500, code: '0x80044151', message: 'SQL timeout expired.' };
  bench.emulator.faults.add({ match: { path: /filter=versionnumber/ }, after: 7, do: timeOut });
  const found = await session.verify('account', 'sweep', { windows: new VersionWindows(100) });
  expect(found).toMatchObject({ rows: ROWS, differences: 0 });
  expect(pages()).toEqual({ filtered: 8, plain: 15 });
});

test('a walk that was interrupted goes on at its page, in another process', async () => {
  const ways = [
    { windows: new VersionWindows(100), at: 8 },
    { windows: new VersionWindows(), at: 8 },
    // All pages are stored, and the rows that differ are still to be found.
    { windows: new VersionWindows(), at: 15 },
  ];
  for (const { windows, at } of ways) {
    const stop = new AbortController();
    let stored = 0;
    const onProgress = (): void => {
      stored++;
      if (stored === at) stop.abort(new Error('killed'));
    };
    const interrupted = session.verify('account', 'sweep', { windows, onProgress }, stop.signal);
    await expect(interrupted).rejects.toThrow('killed');
    bench.emulator.requests.clear();
    await using next = await bench.session(['account'], { pageSize: PAGE, holder: 'next' });
    expect(await next.verify('account', 'sweep', { windows })).toMatchObject({ rows: ROWS, differences: 0 });
    const { filtered, plain } = pages();
    // The request that was ahead of the stored page may reach the emulator late.
    expect(filtered + plain).toBeGreaterThanOrEqual(15 - at);
    expect(filtered + plain).toBeLessThanOrEqual(15 - at + 1);
  }
});

test('a walk begins anew if the environment no longer knows the link of its page', async () => {
  const stop = new AbortController();
  const interrupted = session.verify(
    'account',
    'sweep',
    { onProgress: () => stop.abort(new Error('killed')) },
    stop.signal,
  );
  await expect(interrupted).rejects.toThrow('killed');
  bench.emulator.requests.clear();
  const refusal = { status: 400, code: '0x80041129', message: 'Malformed XML in the Paging Cookie' };
  bench.emulator.faults.add({ match: { path: /skiptoken/ }, times: 1, do: refusal });
  expect(await session.verify('account', 'sweep')).toMatchObject({ rows: ROWS, differences: 0 });
  expect(pages()).toEqual({ filtered: 0, plain: 16 });
});
