import { createTableGauges } from './table-gauges.ts';
import { createWorkMetrics, type WorkFacts, type WorkMetrics } from './work-metrics.ts';
import type * as Prometheus from 'prom-client';
import type { Route } from '../http/route.ts';
import type { StatusReport } from '../status/mirror-status.ts';

export interface Metrics {
  /** Is told what the process does. */
  readonly work: Omit<WorkMetrics, 'show'>;
  /**
   * The route `/metrics`. It also answers with 200 while the database is away, without the metrics of tables.
   *
   * @param facts what the process knows.
   * @param status reads the state of the tables. Scrapes within five seconds share one reading.
   */
  route(facts: WorkFacts, status: () => Promise<StatusReport>): Route;
}

/** Milliseconds that a reading of the state serves for. */
const FRESH = 5_000;
/** Milliseconds. Prometheus gives up after ten seconds by default. */
const PATIENCE = 3_000;

/** Loads the client library of Prometheus and makes the metrics. A process without an HTTP port does neither. */
export async function openMetrics(): Promise<Metrics> {
  const prometheus = await import('prom-client');
  const registry = new prometheus.Registry();
  const work = createWorkMetrics(prometheus, [registry]);
  const showTables = createTableGauges(prometheus, [registry]);
  let isFirst = true;
  return {
    work,
    route(facts, status) {
      const snapshot = createSnapshot(status);
      return {
        method: 'GET',
        path: '/metrics',
        async answer() {
          if (isFirst) collectProcessMetrics(prometheus, registry);
          isFirst = false;
          const report = await snapshot();
          work.show(facts);
          showTables(report);
          const headers = { 'content-type': registry.contentType };
          return { status: 200, headers, body: await registry.metrics() };
        },
      };
    },
  };
}

/** Gauges of Node.js whose names end as only those of counters may. Others have the same numbers by type. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Adds `process_*` and `nodejs_*`. They watch the event loop and the garbage collection until the process ends. */
function collectProcessMetrics(prometheus: typeof Prometheus, register: Prometheus.Registry): void {
  prometheus.collectDefaultMetrics({ register });
  for (const name of MISNAMED) register.removeSingleMetric(name);
}

/**
 * Reads the state at most once in five seconds, and never twice at a time.
 *
 * @returns the reading, or undefined where the database does not answer in time. The scraper gets the rest then.
 */
function createSnapshot(read: () => Promise<StatusReport>): () => Promise<StatusReport | undefined> {
  let reading: Promise<StatusReport | undefined> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = performance.now();
    if (reading === undefined || now - readAt > FRESH) {
      readAt = Infinity;
      reading = read()
        .catch(() => undefined)
        .finally(() => (readAt = performance.now()));
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, undefined);
    });
    try {
      return await Promise.race([reading, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
