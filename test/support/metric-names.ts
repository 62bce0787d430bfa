/** The metrics that users, dashboards and alerts rely on. Those of the process (`process_*`, `nodejs_*`) come beside them. */
export const METRIC_NAMES: readonly string[] = [
  'build_info',
  'database_up',
  'table_phase',
  'table_rows',
  'table_rows_loaded',
  'table_rows_expected',
  'table_last_success_timestamp_seconds',
  'table_lag_seconds',
  'table_link_issued_timestamp_seconds',
  'table_link_expires_timestamp_seconds',
  'table_quarantined_rows',
  'rows_written_total',
  'rows_deleted_total',
  'run_failures_total',
  'run_duration_seconds',
  'requests_total',
  'request_duration_seconds',
  'throttled_total',
  'budget_used_ratio',
  'throttled_until_timestamp_seconds',
  'requests_24h',
  'page_memory_bytes',
  'config_last_reload_successful',
].map((name) => `mirrorverse_${name}`);

/** Metrics that the alerts may name although the daemon does not tell them yet. */
export const COMING_METRIC_NAMES: readonly string[] = [
  'mirrorverse_verify_differences',
  'mirrorverse_verify_last_timestamp_seconds',
];
