import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { eventually, type RunningCommand } from '../support/command-line.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { METRIC_NAMES } from '../support/metric-names.ts';
import { PROMETHEUS, PROMTOOL, promtool, startPrometheus } from '../support/prometheus.ts';

const TABLES = ['account', 'contact'];
const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_HEALTH_PORT: '0' };

let bench: Bench;
let database: FaultProxy;
let daemon: RunningCommand;
let port: string;

beforeAll(async () => {
  bench = await openBench(TABLES, EVERY_SECOND);
  database = await FaultProxy.between(bench.database.url);
  bench.emulator.store.seed('account', 12);
  bench.emulator.store.seed('contact', 7);
  daemon = bench.cli.start(['run'], { DATABASE_URL: database.url(bench.database.url) });
  const { port: listening } = await daemon.logged(({ msg }) => msg === 'Answering health checks.');
  port = String(listening);
  await daemon.logged((line) => line['table'] === 'account' && line['rowsWritten'] === 12);
  await daemon.logged((line) => line['table'] === 'contact' && line['rowsWritten'] === 7);
});
afterAll(async () => {
  await daemon.stop('SIGTERM');
  await database[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

async function scrape(): Promise<{
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

/** The value of a series, written as in the text; undefined if it is not there. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

// In this order: the last one takes the database away.
describe('the metrics', () => {
  it('the metrics have the names that users rely on, and those of the process and of Node.js beside them', async () => {
    const { status, type, text } = await scrape();
    expect({ status, type }).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? '');
    expect(names.filter((name) => name.startsWith('mirrorverse_')).toSorted()).toEqual(
      METRIC_NAMES.toSorted(),
    );
    expect(names).toEqual(
      expect.arrayContaining(['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']),
    );
  });

  it.skipIf(PROMTOOL === undefined)('promtool finds nothing to say about any metric', async () => {
    const { text } = await scrape();
    expect(await promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' });
  });

  it('the metrics tell the state of each table, and the work of the process since its start', async () => {
    const { text } = await scrape();
    expect(valueOf(text, 'mirrorverse_table_rows{table="account"}')).toBe(12);
    expect(valueOf(text, 'mirrorverse_table_phase{table="account",phase="delta"}')).toBe(1);
    expect(valueOf(text, 'mirrorverse_table_phase{table="account",phase="failed"}')).toBe(0);
    expect(valueOf(text, 'mirrorverse_rows_written_total{table="contact"}')).toBe(7);
    expect(valueOf(text, 'mirrorverse_rows_deleted_total{table="contact"}')).toBe(0);
    expect(valueOf(text, 'mirrorverse_run_duration_seconds_count{run="baseline"}')).toBe(2);
    expect(
      valueOf(text, 'mirrorverse_requests_total{kind="baseline",outcome="success"}'),
    ).toBeGreaterThanOrEqual(2);
    expect(valueOf(text, 'mirrorverse_database_up')).toBe(1);
    const expiry = valueOf(text, 'mirrorverse_table_link_expires_timestamp_seconds{table="account"}') ?? 0;
    expect(expiry - Date.now() / 1000).toBeGreaterThan(6 * 86_400);
  });

  it.skipIf(PROMETHEUS === undefined)(
    'Prometheus scrapes the metrics and answers queries about them',
    async () => {
      await using prometheus = await startPrometheus(port);
      await eventually(
        async () => Object.keys(await prometheus.query('mirrorverse_table_rows')).length === 2,
      );
      expect(await prometheus.query('up')).toEqual({ [`up 127.0.0.1:${port} mirrorverse`]: 1 });
      expect(await prometheus.query('max by (table) (mirrorverse_table_rows)')).toEqual({
        account: 12,
        contact: 7,
      });
      expect(await prometheus.query('max by (phase) (mirrorverse_table_phase == 1)')).toEqual({ delta: 1 });
    },
  );

  it('the metrics count a failed run by its code, and go on while the database is away, without those of tables', async () => {
    bench.emulator.settings.deniedTables.add('contact');
    const failed = 'mirrorverse_run_failures_total{table="contact",code="privilege-missing"}';
    await eventually(async () => (valueOf((await scrape()).text, failed) ?? 0) > 0);
    await database.refuse();
    database.reset();
    await eventually(async () => valueOf((await scrape()).text, 'mirrorverse_database_up') === 0);
    const { status, text } = await scrape();
    expect(status).toBe(200);
    expect(text).not.toMatch(/^mirrorverse_(?:table_|requests_24h)/m);
    expect(valueOf(text, 'mirrorverse_rows_written_total{table="contact"}')).toBe(7);
    expect(valueOf(text, failed)).toBeGreaterThan(0);
    await database.restore();
    await eventually(
      async () => valueOf((await scrape()).text, 'mirrorverse_table_rows{table="account"}') === 12,
    );
  });
});
