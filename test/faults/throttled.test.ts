import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/emulator/web-api/request-journal.ts';
import { MIRRORED, allDifferences, differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { eventually } from '../support/command-line.ts';

const TABLES = MIRRORED;

/** Requests that came within so many milliseconds after the first that was refused, some on their way then. */
function sentDuringPause(requests: readonly JournalEntry[], milliseconds: number): JournalEntry[] {
  const refused = requests.find(({ status }) => status === 429);
  if (refused === undefined) throw new Error('Nothing was refused.');
  const from = refused.at + (refused.durationMs ?? 0) + 100;
  return requests.filter(({ at }) => at > from && at < refused.at + milliseconds);
}

/** A time as HTTP writes it. */
function inSeconds(seconds: number, from = Date.now()): string {
  return new Date(Math.ceil(from / 1000 + seconds) * 1000).toUTCString();
}

function anHourAhead(): number {
  return Date.now() + 3_600_000;
}

// They wait more than they work.
describe.concurrent('requests of all tables after one table is throttled', () => {
  const cases: [string, () => { retryAfter?: string | number; headers?: Record<string, string> }, number][] =
    [
      ['for a second', () => ({ retryAfter: 1 }), 990],
      ['for two seconds', () => ({ retryAfter: 2 }), 1_990],
      [
        'until a date',
        () => ({
          // Of the moment of the answer, however long it took to get there.
          get retryAfter() {
            return inSeconds(1);
          },
        }),
        900,
      ],
      [
        'until a date of a server whose clock is an hour ahead',
        () => ({
          retryAfter: inSeconds(1, anHourAhead()),
          headers: { date: inSeconds(0, anHourAhead()) },
        }),
        990,
      ],
      ['for a while where no time is named', () => ({}), 500],
      ['for a while where the time is negative', () => ({ retryAfter: -300 }), 500],
      ['for a while where the time is not a time', () => ({ retryAfter: 'later' }), 500],
    ];
  for (const [at, [what, answer, milliseconds]] of cases.entries()) {
    // Ten take their time; the forms of the header do not depend on how many there are.
    const tables = at === 0 ? TABLES : MIRRORED.slice(0, 3);
    it(`a throttled table makes all tables send nothing ${what} (${tables.length} tables)`, async () => {
      await using bench = await SyncBench.open();
      const { store, faults, requests } = bench.emulator;
      for (const table of tables) store.seed(table, 30);
      const refusal = Object.assign(answer(), { status: 429, code: '0x80072322' });
      faults.add({ match: { table: 'contact', kind: 'next' }, times: 1, do: refusal });
      const begun = performance.now();
      expect(failures(await bench.sync(tables, { pageSize: 10 }))).toEqual({});
      expect(performance.now() - begun).toBeGreaterThan(milliseconds);
      expect(sentDuringPause(requests.entries, milliseconds)).toEqual([]);
      expect(await allDifferences(store, bench.database, tables)).toEqual([]);
    });
  }
});

it('a pause of five minutes is shown at once, nothing is sent in it, and an abort ends the waiting', async () => {
  await using bench = await SyncBench.open();
  const { store, faults, requests } = bench.emulator;
  for (const table of TABLES) store.seed(table, 10);
  const pauses: number[] = [];
  const dataverse = bench.dataverse({ onThrottle: (milliseconds) => void pauses.push(milliseconds) });
  faults.add({ match: { table: 'lead' }, do: { status: 429, code: '0x80072321', retryAfter: 300 } });
  const controller = new AbortController();
  const running = bench.sync(TABLES, { dataverse }, {}, controller.signal).catch(() => 'aborted');
  await eventually(() => pauses.length > 0);
  expect(pauses[0]).toBe(300_000);
  const { gauges } = dataverse.budget;
  expect(gauges.throttledUntil - performance.now()).toBeGreaterThan(290_000);
  expect(gauges.concurrency).toBe(4);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(sentDuringPause(requests.entries, 300_000)).toEqual([]);
  controller.abort(new Error('stopping'));
  expect(await running).toBe('aborted');
});

it('a 429 after another without a time makes the pauses grow, and the page is stored in the end', async () => {
  await using bench = await SyncBench.open();
  const { store, faults, requests } = bench.emulator;
  store.seed('account', 30);
  faults.add({ match: { kind: 'next' }, times: 2, do: { status: 429, code: '0x80072322' } });
  expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
  const refused = requests.find({ status: 429 }).map(({ at }) => at);
  const ends = requests.find({ kind: 'next', status: 200 }).map(({ at }) => at);
  expect((refused[1] ?? 0) - (refused[0] ?? 0)).toBeGreaterThanOrEqual(990);
  expect((ends[0] ?? 0) - (refused[1] ?? 0)).toBeGreaterThanOrEqual(1_990);
  expect(await differences(store, bench.database, 'account')).toEqual([]);
});

it('an environment that takes two requests at once is soon asked no more than that', async () => {
  await using bench = await SyncBench.open();
  const { store, settings, requests } = bench.emulator;
  for (const table of TABLES) store.seed(table, 20);
  settings.limits.concurrency = 2;
  // Long enough to meet: an answer takes its time.
  bench.emulator.faults.add({ do: { delayMs: 30 } });
  expect(failures(await bench.sync(TABLES, { pageSize: 10 }))).toEqual({});
  const refused = requests.find({ status: 429 });
  expect(refused.length).toBeGreaterThan(0);
  // Eight at once, then four, and now and then one more than two: not every page is refused first.
  const answered = requests.entries.filter(({ status }) => status === 200);
  expect(refused.length).toBeLessThan(answered.length / 4);
  expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
});

it('a server that is away and says for how long is not asked before', async () => {
  await using bench = await SyncBench.open();
  bench.emulator.store.seed('account', 5);
  const away = { status: 503, retryAfter: 2 };
  bench.emulator.faults.add({ match: { kind: 'baseline' }, times: 1, do: away });
  expect(failures(await bench.sync(['account']))).toEqual({});
  const [refused, next] = bench.emulator.requests.find({ kind: 'baseline' });
  expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(1_990);
});
