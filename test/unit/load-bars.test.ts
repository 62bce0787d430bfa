import type { WriteStream } from 'node:tty';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ErrorTerminal } from '../../src/cli/text/error-terminal.ts';
import { barLine, createLoadBars, doneLine } from '../../src/cli/text/load-bars.ts';
import { Failure } from '../../src/model/failure.ts';
import { loadProgress } from '../../src/model/load-progress.ts';
import { NO_PROGRESS } from '../../src/sync/run/run-progress.ts';

const FIGURES = {
  rowsLoaded: 610_000,
  rowsExpected: 1_000_000,
  rowsBefore: 0,
  seconds: 1_000,
  quietSeconds: 1,
  isAtWork: true,
};
const ACCOUNT = 'account'.padEnd(24);
const result = {
  ...NO_PROGRESS,
  table: 'account',
  milliseconds: 180_000,
  failure: null,
  deferred: false,
  changed: true,
  quarantined: 0,
};

test('a bar shows the share, the time that is left and the rows', () => {
  const progress = loadProgress(FIGURES);
  expect(barLine('account', progress, undefined, 120)).toBe(
    `${ACCOUNT}  ███████░░░░░  61 %  11 min left  610,000 of 1,000,000  610 rows/s`,
  );
  expect(barLine('account', progress, undefined, 79)).toBe(
    `${ACCOUNT}  ███████░░░░░  61 %  11 min left  610,000 of 1,000,000`,
  );
});

test('a bar says that its table waits or is throttled', () => {
  const trouble = 'throttled for another 12 s';
  expect(barLine('account', loadProgress(FIGURES), trouble, 79)).toBe(`${ACCOUNT}  61 %  ${trouble}`);
  expect(barLine('account', undefined, 'waiting for process a/1/b', 79)).toBe(
    `${ACCOUNT}  waiting for process a/1/b`,
  );
});

test('a bar has no share and no rate as long as nothing is known of them', () => {
  const progress = loadProgress({ ...FIGURES, rowsExpected: null, seconds: 0.001 });
  expect(barLine('account', progress, undefined, 79)).toBe(`${ACCOUNT}  610,000 rows`);
});

test('a table that is done says so', () => {
  expect(doneLine(result, 1_000_000, 79)).toBe(`${ACCOUNT}  done: 1,000,000 rows in 3 min`);
});

test('a paused table, and a table that failed before its load, have a line', () => {
  const written: string[] = [];
  const stream = { columns: 80, rows: 24, write: (text: string) => written.push(text) > 0 };
  const bars = createLoadBars(new ErrorTerminal(stream as unknown as WriteStream));
  bars.ended({ ...result, failure: new Failure({ code: 'table-paused', message: '' }) });
  bars.ended({
    ...result,
    table: 'lead',
    failure: new Failure({ code: 'tracking-impossible', message: '' }),
  });
  bars.ended({ ...result, table: 'contact' });
  bars.stop();
  const lines = written.join('').split('\n');
  expect(lines.some((line) => line.endsWith(`${ACCOUNT}  paused, left as it is`))).toBe(true);
  expect(lines).toContain(`${'lead'.padEnd(24)}  stopped: tracking-impossible`);
  expect(written.join('')).not.toContain('contact');
});

test('a bar is never wider than the terminal', () => {
  const figures = fc.record({
    rowsLoaded: fc.nat(),
    rowsExpected: fc.option(fc.nat()),
    rowsBefore: fc.constant(0),
    seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
    quietSeconds: fc.constant(1),
    isAtWork: fc.constant(true),
  });
  fc.assert(
    fc.property(
      fc.string({ maxLength: 100 }),
      figures,
      fc.integer({ min: 30, max: 200 }),
      (table, load, width) => {
        expect(barLine(table, loadProgress(load), undefined, width).length).toBeLessThanOrEqual(width);
      },
    ),
  );
});
