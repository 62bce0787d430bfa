import type * as Prometheus from 'prom-client';
import type { Phase } from '../../model/checkpoint.ts';
import type { StatusReport } from '../status/mirror-status.ts';

/** Every phase has a series, so that a query sees each change from 1 to 0. */
const PHASES: readonly Phase[] = ['new', 'baseline', 'delta', 'rebaseline', 'paused', 'attention', 'failed'];

/**
 * Gauges of what the state tells about the environment and its tables. All processes of a mirror show the same, so a
 * query takes the `max by (table)`.
 *
 * @returns a function that shows a report. Without a report, the gauges of tables have no series: a value that is no
 *   longer known must not look like one that has not changed.
 */
export function createTableGauges(
  { Gauge }: typeof Prometheus,
  registers: Prometheus.Registry[],
): (report: StatusReport | undefined) => void {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: `mirrorverse_${name}`, help, labelNames, registers });
  const database = gauge(
    'database_up',
    'Whether PostgreSQL told the state of the tables for this scrape: 1 or 0. With 0, the metrics of tables are missing.',
  );
  const phase = gauge(
    'table_phase',
    'The phase of the table: 1 for the phase that it has, 0 for the others.',
    'table',
    'phase',
  );
  const rows = gauge(
    'table_rows',
    'Rows of the mirror table. For large tables, this is an estimate.',
    'table',
  );
  const lastSuccess = gauge(
    'table_last_success_timestamp_seconds',
    'When the table was last known to equal the source.',
    'table',
  );
  const lag = gauge(
    'table_lag_seconds',
    'Seconds since the table was last known to equal the source.',
    'table',
  );
  const linkIssued = gauge(
    'table_link_issued_timestamp_seconds',
    'When the delta link of the table was stored, or its first load began.',
    'table',
  );
  const linkExpires = gauge(
    'table_link_expires_timestamp_seconds',
    'When the delta link of the table expires unless a poll renews it.',
    'table',
  );
  const quarantined = gauge('table_quarantined_rows', 'Rows of the table that could not be stored.', 'table');
  const loaded = gauge(
    'table_rows_loaded',
    'Rows that the baseline or re-baseline under way has stored.',
    'table',
  );
  const expected = gauge(
    'table_rows_expected',
    'Rows that the environment counts for the baseline or re-baseline under way.',
    'table',
  );
  const differences = gauge(
    'verify_differences',
    'Rows of the table that its last verification found to differ from the source, and that are not repaired yet.',
    'table',
  );
  const verifiedAt = gauge(
    'verify_last_timestamp_seconds',
    'When the last verification of the table ended.',
    'table',
  );
  const requests = gauge(
    'requests_24h',
    'Requests to the Web API in the last 24 hours, of all processes with this state schema.',
  );
  const delivered = gauge(
    'webhook_last_success_timestamp_seconds',
    'When the webhook last took changes.',
    'webhook',
  );
  const failing = gauge(
    'webhook_failing_since_timestamp_seconds',
    'Since when the webhook has refused the changes that are due; missing while it takes them.',
    'webhook',
  );
  const stopped = gauge(
    'webhook_stopped',
    'Whether the webhook answered that it is gone, and gets no more changes: 1 or 0.',
    'webhook',
  );
  const deadLetters = gauge(
    'webhook_dead_letters',
    'Batches of changes that the webhook did not take in time.',
    'webhook',
  );
  const files = gauge(
    'files',
    'Bodies of files and images: stored, waiting to be fetched, and failed to be fetched.',
    'state',
  );
  const all = [
    files,
    delivered,
    failing,
    stopped,
    deadLetters,
    phase,
    rows,
    lastSuccess,
    lag,
    linkIssued,
    linkExpires,
    quarantined,
    loaded,
    expected,
    differences,
    verifiedAt,
  ] as const;
  return (report) => {
    // A table that has left must not stay with its last values.
    for (const each of all) each.reset();
    requests.remove();
    database.set(report === undefined ? 0 : 1);
    if (report === undefined) return;
    requests.set(report.budget.requestsIn24Hours);
    for (const state of ['stored', 'waiting', 'failed'] as const) files.set({ state }, report.files[state]);
    for (const { webhook, ...facts } of report.webhooks) {
      deadLetters.set({ webhook }, facts.deadLetters);
      stopped.set({ webhook }, facts.stoppedAt === null ? 0 : 1);
      if (facts.lastSuccessAt !== null) delivered.set({ webhook }, seconds(facts.lastSuccessAt) ?? 0);
      if (facts.failingSince !== null) failing.set({ webhook }, seconds(facts.failingSince) ?? 0);
    }
    for (const entry of report.tables) {
      if (!entry.configured) continue;
      const { table } = entry;
      for (const each of PHASES) phase.set({ table, phase: each }, entry.phase === each ? 1 : 0);
      rows.set({ table }, entry.rows);
      quarantined.set({ table }, entry.quarantined);
      const known = (of: Prometheus.Gauge<'table'>, value: number | null): void => {
        if (value !== null) of.set({ table }, value);
      };
      known(lastSuccess, seconds(entry.lastSuccessAt));
      known(lag, entry.lagSeconds);
      known(linkIssued, seconds(entry.linkIssuedAt));
      known(linkExpires, seconds(entry.linkExpiresAt));
      known(loaded, entry.rowsLoaded);
      known(expected, entry.rowsExpected);
      known(differences, entry.verified?.differences ?? null);
      known(verifiedAt, seconds(entry.verified?.at ?? null));
    }
  };
}

/** Seconds since 1970. */
function seconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time) / 1000;
}
