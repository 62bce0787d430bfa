import type * as Prometheus from 'prom-client';
import type { Budget } from '../../dataverse/budget/budget.ts';
import type { RequestWatch } from '../../dataverse/http/request-watch.ts';
import type { PageMemory } from '../../dataverse/page/page-memory.ts';
import type { RunMeter } from '../../sync/watch/run-meter.ts';

/** What the process itself knows. It is read only when a scraper asks. */
export interface WorkFacts {
  readonly version: string;
  readonly budget: Pick<Budget, 'gauges' | 'used'>;
  readonly pageMemory: Pick<PageMemory, 'inUse' | 'inReserve'>;
}

/** Adds up the work of this process. */
export interface WorkMetrics {
  readonly requests: RequestWatch;
  readonly runs: RunMeter;
  /** The tables at work. The counts of all others leave. */
  tables(names: readonly string[]): void;
  /** The configuration was read anew, or was refused. */
  reloaded(successful: boolean): void;
  /** Shows what is measured now rather than added up. */
  show(facts: WorkFacts): void;
}

/** Seconds. A delta without changes takes some hundred milliseconds, and a baseline may take hours. */
const RUN_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 43_200];
/** Seconds. The time limit of a request ends the longest ones. */
const REQUEST_BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/**
 * The metrics of the work since the process started. They have no table label where they are histograms: two hundred
 * tables would make thousands of series.
 */
export function createWorkMetrics(
  { Counter, Gauge, Histogram }: typeof Prometheus,
  registers: Prometheus.Registry[],
): WorkMetrics {
  const build = new Gauge({
    name: 'mirrorverse_build_info',
    help: 'The version of mirrorverse, as a label. The value is always 1.',
    labelNames: ['version'],
    registers,
  });
  const written = new Counter({
    name: 'mirrorverse_rows_written_total',
    help: 'Rows that this process has written to the mirror table.',
    labelNames: ['table'],
    registers,
  });
  const deleted = new Counter({
    name: 'mirrorverse_rows_deleted_total',
    help: 'Rows that this process has deleted from the mirror table, or marked as deleted.',
    labelNames: ['table'],
    registers,
  });
  const failures = new Counter({
    name: 'mirrorverse_run_failures_total',
    help: 'Runs of this process that failed, by the code of the failure.',
    labelNames: ['table', 'code'],
    registers,
  });
  const runs = new Histogram({
    name: 'mirrorverse_run_duration_seconds',
    help: 'How long runs took, failed ones too, by the phase that they began in.',
    labelNames: ['run'],
    buckets: RUN_BUCKETS,
    registers,
  });
  const requests = new Counter({
    name: 'mirrorverse_requests_total',
    help: 'Requests to the Web API, each repetition too, by their kind (delta, baseline, metadata) and outcome (success, throttled, refused, failed).',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'mirrorverse_request_duration_seconds',
    help: 'How long requests to the Web API took, from the start to the last byte of the answer.',
    labelNames: ['kind'],
    buckets: REQUEST_BUCKETS,
    registers,
  });
  // A counter is set here once per scrape: the budget counts anyway.
  const throttled = new Counter({
    name: 'mirrorverse_throttled_total',
    help: 'How often the environment asked this process to slow down.',
    registers,
  });
  const throttledUntil = new Gauge({
    name: 'mirrorverse_throttled_until_timestamp_seconds',
    help: 'Until when this process sends no requests because the environment asked for that. It lies in the past, or is 0, while requests go.',
    registers,
  });
  const used = new Gauge({
    name: 'mirrorverse_budget_used_ratio',
    help: 'What this process uses of a limit, from 0 to 1: requests and execution_time of five minutes, and concurrency.',
    labelNames: ['facet'],
    registers,
  });
  const memory = new Gauge({
    name: 'mirrorverse_page_memory_bytes',
    help: 'Memory for pages that are read or written, and memory that is kept for later pages.',
    registers,
  });
  const reloaded = new Gauge({
    name: 'mirrorverse_config_last_reload_successful',
    help: 'Whether the last look at the configuration could be used: 1, or 0 while the process goes on with the former one.',
    registers,
  });
  reloaded.set(1);
  const failedTables = new Map<string, Set<string>>();
  let atWork: ReadonlySet<string> = new Set();
  let throttledBefore = 0;
  return {
    requests(kind, outcome, seconds) {
      requests.inc({ kind, outcome });
      durations.observe({ kind }, seconds);
    },
    runs: {
      stored(table, rowsWritten, rowsDeleted) {
        if (!atWork.has(table)) return;
        written.inc({ table }, rowsWritten);
        deleted.inc({ table }, rowsDeleted);
      },
      ended({ table, phase, milliseconds, failure }) {
        runs.observe({ run: phase }, milliseconds / 1000);
        if (failure === null || !atWork.has(table)) return;
        const { code } = failure;
        failures.inc({ table, code });
        failedTables.set(table, (failedTables.get(table) ?? new Set()).add(code));
      },
    },
    tables(names) {
      const next = new Set(names);
      for (const table of atWork) {
        if (next.has(table)) continue;
        written.remove({ table });
        deleted.remove({ table });
        for (const code of failedTables.get(table) ?? []) failures.remove({ table, code });
        failedTables.delete(table);
      }
      // A series that begins with 0 shows its first increase too.
      for (const table of next) {
        written.inc({ table }, 0);
        deleted.inc({ table }, 0);
      }
      atWork = next;
    },
    reloaded: (successful) => reloaded.set(successful ? 1 : 0),
    show({ version, budget, pageMemory }) {
      build.set({ version }, 1);
      const { gauges } = budget;
      throttled.inc(gauges.throttled - throttledBefore);
      throttledBefore = gauges.throttled;
      const until = gauges.throttledUntil === 0 ? 0 : performance.timeOrigin + gauges.throttledUntil;
      throttledUntil.set(until / 1000);
      const { requests: sent, executionTime, concurrency } = budget.used();
      used.set({ facet: 'requests' }, sent);
      used.set({ facet: 'execution_time' }, executionTime);
      used.set({ facet: 'concurrency' }, concurrency);
      memory.set(pageMemory.inUse + pageMemory.inReserve);
    },
  };
}
