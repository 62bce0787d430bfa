import { expect, it } from 'vitest';
import type { RequestOutcome } from '../../src/dataverse/http/request-watch.ts';
import { watched } from '../../src/dataverse/http/request-watch.ts';
import { Failure } from '../../src/model/failure.ts';
import { openMetrics, type Metrics } from '../../src/operations/metrics/metrics.ts';
import type { StatusEntry, StatusReport } from '../../src/operations/status/mirror-status.ts';
import type { RunResult } from '../../src/sync/run/run-outcome.ts';
import { NO_PROGRESS } from '../../src/sync/run/run-progress.ts';
import { meteredRun } from '../../src/sync/watch/run-meter.ts';

const FACTS = {
  version: '1.2.3',
  budget: {
    gauges: { requests: 5, throttled: 2, throttledUntil: 0, concurrency: 8 },
    used: () => ({ requests: 0.25, executionTime: 0.5, concurrency: 0 }),
  },
  pageMemory: { inUse: 100, inReserve: 20 },
};

const never = new AbortController().signal;

function report(...tables: Partial<StatusEntry>[]): StatusReport {
  const budget = {
    requestsIn5Minutes: 0,
    limit: 6_000,
    throttledUntil: null,
    requestsIn24Hours: 41,
    requestsPerDay: null,
  };
  return {
    budget,
    tables,
    webhooks: [],
    files: { stored: 4, waiting: 2, failed: 1 },
  } as unknown as StatusReport;
}

function result(more: Partial<RunResult>): RunResult {
  const outcome = { failure: null, deferred: false, changed: true, quarantined: 0 };
  return { ...NO_PROGRESS, table: 'account', milliseconds: 200, ...outcome, ...more };
}

/** The series of mirrorverse that have a value, without buckets. */
async function seriesOf(metrics: Metrics, status: () => Promise<StatusReport>): Promise<string[]> {
  const { body } = await metrics.route(FACTS, status).answer({} as never);
  if (typeof body !== 'string') throw new TypeError('The answer is no text.');
  return body.split('\n').filter((line) => /^mirrorverse_(?!.*_bucket)/.test(line));
}

it('rows of a run count once each, also where the run tells its progress again or ends without a further page', async () => {
  const metrics = await openMetrics();
  metrics.work.tables(['account']);
  for (let runs = 0; runs < 2; runs++) {
    const run = meteredRun(metrics.work.runs, 'account');
    run?.progressed({ ...NO_PROGRESS, rowsWritten: 10 });
    run?.progressed({ ...NO_PROGRESS, rowsWritten: 30, rowsDeleted: 1 });
    run?.ended(result({ rowsWritten: 30, rowsDeleted: 4 }));
  }
  expect(await seriesOf(metrics, async () => report())).toEqual(
    expect.arrayContaining([
      'mirrorverse_rows_written_total{table="account"} 60',
      'mirrorverse_rows_deleted_total{table="account"} 8',
      'mirrorverse_run_duration_seconds_count{run="new"} 2',
    ]),
  );
});

it('a run that found no place, or whose table another process has, is neither a run nor a failure', async () => {
  const metrics = await openMetrics();
  metrics.work.tables(['account']);
  const leaseHeld = new Failure({ code: 'lease-held', message: 'Another process has the table.' });
  for (const ended of [result({ deferred: true }), result({ failure: leaseHeld })]) {
    meteredRun(metrics.work.runs, 'account')?.ended(ended);
  }
  const series = await seriesOf(metrics, async () => report());
  expect(series.filter((line) => /run_(?:failures|duration)/.test(line))).toEqual([]);
});

it('the series of a table that left are gone, those of its counts too', async () => {
  const metrics = await openMetrics();
  metrics.work.tables(['account', 'contact']);
  const times = { lastSuccessAt: null, lagSeconds: null, linkIssuedAt: null, linkExpiresAt: null };
  const entry = { ...times, configured: true, rows: 1, quarantined: 0, rowsLoaded: null, rowsExpected: null };
  const loading = { ...entry, rowsLoaded: 61, rowsExpected: 100 };
  const status = report({ ...loading, table: 'account' }, { ...entry, table: 'contact', configured: false });
  const refused = new Failure({ code: 'privilege-missing', message: 'No.' });
  for (const table of ['account', 'contact']) {
    metrics.work.runs.stored(table, 1, 0);
    metrics.work.runs.ended(result({ table, failure: refused }));
  }
  metrics.work.tables(['account']);
  // What is told late of a table that has left brings no series back.
  metrics.work.runs.stored('contact', 1, 0);
  const text = (await seriesOf(metrics, async () => status)).join('\n');
  expect(text).not.toContain('contact');
  expect(text).toContain('mirrorverse_run_failures_total{table="account",code="privilege-missing"} 1');
  expect(text).toContain('mirrorverse_table_phase{table="account",phase="paused"} 0');
  expect(text).toContain('mirrorverse_table_rows_loaded{table="account"} 61');
  expect(text).toContain('mirrorverse_table_rows_expected{table="account"} 100');
});

it('scrapes at one time share one reading of the state', async () => {
  const metrics = await openMetrics();
  let readings = 0;
  const route = metrics.route(FACTS, async () => {
    readings++;
    return report();
  });
  await Promise.all([route.answer({} as never), route.answer({} as never)]);
  await route.answer({} as never);
  expect(readings).toBe(1);
});

it('a request is told with its outcome and its time, unless its caller gave it up', async () => {
  const told: [string, RequestOutcome, boolean][] = [];
  const send = async (work: () => Promise<{ status: number }>, signal = never): Promise<unknown> =>
    watched(
      (kind, outcome, seconds) => told.push([kind, outcome, seconds >= 0]),
      'delta',
      signal,
      work,
    ).catch(() => undefined);
  for (const status of [200, 429, 404, 503]) await send(async () => ({ status }));
  await send(async () => Promise.reject(new Error('cut')));
  await send(async () => Promise.reject(new Error('aborted')), AbortSignal.abort());
  expect(told).toEqual(
    (['success', 'throttled', 'refused', 'failed', 'failed'] as const).map((outcome) => [
      'delta',
      outcome,
      true,
    ]),
  );
});
