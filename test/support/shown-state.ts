import type { TestDatabase } from './database.ts';

interface ShownTable {
  readonly table: string;
  readonly rows: number;
  readonly phase?: string;
  /** Seconds since the last success; null for none. */
  readonly lag?: number | null;
  readonly error?: readonly [code: string, reaction: string, message: string, remedy: string];
  readonly loaded?: number;
  readonly expected?: number;
  /** Seconds since the load began. */
  readonly loading?: number;
  readonly paused?: readonly [hours: number, reason: string];
}

/** Tables of a company's environment on a day on which much happens. */
const TABLES: readonly ShownTable[] = [
  { table: 'account', rows: 48_213, lag: 3 },
  { table: 'contact', rows: 131_940, lag: 3 },
  {
    table: 'activitypointer',
    rows: 612_400,
    phase: 'baseline',
    lag: null,
    loaded: 612_400,
    expected: 1_000_000,
    loading: 1_130,
  },
  {
    table: 'incident',
    rows: 9_871,
    lag: 5_460,
    error: [
      'privilege-missing',
      'stop-table',
      'The signed-in identity may not read table incident.',
      "Give the application user's security role organization-level Read on the table.",
    ],
  },
  {
    table: 'invoice',
    rows: 20_455,
    lag: 840,
    error: [
      'source-unavailable',
      'retry',
      'The environment answered 503 five times in a row.',
      'Nothing to do if the environment is under maintenance. Otherwise check the network to the environment.',
    ],
  },
  { table: 'lead', rows: 7_302, lag: 4_210, paused: [3, 'import of leads until the afternoon'] },
  {
    table: 'new_shipment',
    rows: 64_118,
    phase: 'rebaseline',
    lag: 310_000,
    loaded: 30_000,
    expected: 64_200,
    loading: 25,
  },
  { table: 'opportunity', rows: 15_077, lag: 4 },
  { table: 'systemuser', rows: 1_204, lag: 3 },
  { table: 'task', rows: 88_410, lag: 3 },
  { table: 'team', rows: 96, lag: 3 },
  { table: 'transactioncurrency', rows: 12, lag: 4 },
];

const RUNS: readonly (readonly [
  table: string,
  phase: string,
  written: number,
  deleted: number,
  code: string | null,
])[] = [
  ['account', 'delta', 14, 0, null],
  ['task', 'delta', 38, 2, null],
  ['contact', 'delta', 3, 0, null],
  ['incident', 'delta', 0, 0, 'privilege-missing'],
  ['opportunity', 'delta', 121, 0, null],
  ['account', 'delta', 7, 1, null],
  ['invoice', 'delta', 0, 0, 'source-unavailable'],
  ['contact', 'rebaseline', 131_940, 12, null],
];

export const SHOWN_TABLES = TABLES.map(({ table }) => table);

/** Gives a database that has been migrated the state of a daemon that has worked for a while, and its mirror tables. */
export async function writeShownState({ pool, ...database }: TestDatabase): Promise<void> {
  const [environment] = await database.query<{ id: number }>('SELECT id FROM mirrorverse.environments');
  const id = environment?.id;
  await pool.query('CREATE SCHEMA IF NOT EXISTS dataverse');
  for (const one of TABLES) {
    const { table, rows, phase = 'delta', lag = 0, error, loaded, expected, loading, paused } = one;
    await pool.query(`CREATE TABLE IF NOT EXISTS dataverse."${table}" (id integer)`);
    // PostgreSQL's estimate stands for the rows of a large table.
    if (rows > 500_000) {
      await pool.query(`UPDATE pg_class SET reltuples = ${rows} WHERE oid = 'dataverse.${table}'::regclass`);
    } else {
      await pool.query(`INSERT INTO dataverse."${table}" SELECT generate_series(1, ${rows})`);
    }
    await pool.query(
      `INSERT INTO mirrorverse.tables AS t (environment_id, "table", phase, last_success_at, link_issued_at,
         error_code, error_reaction, error_message, error_remedy, rows_loaded, rows_expected, load_begun_at,
         load_begun_rows, load_stored_at, paused_at, paused_until, paused_reason, lease_holder, lease_expires_at,
         last_attempt_at)
       VALUES ($1, $2, $3, now() - make_interval(secs => $4), now() - make_interval(secs => coalesce($4, 0)),
         $5, $6, $7, $8, $9, $10, now() - make_interval(secs => $11), 0, now(),
         CASE WHEN $12::float8 IS NOT NULL THEN now() - interval '1 h 10 min' END,
         now() + make_interval(secs => 3600 * $12::float8), $13,
         CASE WHEN $9::bigint IS NOT NULL THEN 'here/1/x' END, now() + interval '1 h', now())
       ON CONFLICT (environment_id, "table") DO UPDATE SET phase = excluded.phase`,
      [
        id,
        table,
        phase,
        lag,
        error?.[0] ?? null,
        error?.[1] ?? null,
        error?.[2] ?? null,
        error?.[3] ?? null,
        loaded ?? null,
        expected ?? null,
        loading ?? null,
        paused?.[0] ?? null,
        paused?.[1] ?? null,
      ],
    );
  }
  await pool.query(
    `INSERT INTO mirrorverse.quarantine (environment_id, "table", key, reason)
     SELECT $1, 'contact', gen_random_uuid()::text, 'a NUL character' FROM generate_series(1, 3)`,
    [id],
  );
  await pool.query(
    `INSERT INTO mirrorverse.requests (environment_id, identity, minute, requests)
     SELECT $1::integer, 'x', date_trunc('minute', now()) - make_interval(mins => m), 950 - 30 * m FROM generate_series(0, 4) m
     UNION ALL SELECT $1::integer, 'x', date_trunc('minute', now()) - interval '3 h', 48000`,
    [id],
  );
  await pool.query(
    `UPDATE mirrorverse.environments SET throttled_until = now() + interval '42 s', link_life_days = 7`,
  );
  await pool.query(
    `INSERT INTO mirrorverse.verified (environment_id, "table", method, through_version, at, rows, differences, requests)
     SELECT $1, "table", CASE WHEN "table" = 'task' THEN 'values' ELSE 'sweep' END, 40551823,
            now() - interval '2 h' - row_number() OVER (ORDER BY "table") * interval '19 min', 1, 0, 1
       FROM mirrorverse.tables WHERE phase = 'delta'`,
    [id],
  );
  await pool.query(
    `INSERT INTO mirrorverse.differences (environment_id, "table", key, kind, found_at, confirmed_at, repaired_at)
     SELECT $1, 'task', 'key ' || n, 'stale', now(), now(), CASE WHEN n > 2 THEN now() END FROM generate_series(1, 3) n`,
    [id],
  );
  for (const [at, [table, phase, written, deleted, code]] of [...RUNS.entries()].toReversed()) {
    await pool.query(
      `INSERT INTO mirrorverse.runs (environment_id, "table", phase, started_at, finished_at, pages, rows_read,
         rows_written, rows_deleted, rows_quarantined, error_code)
       VALUES ($1, $2, $3, now() - make_interval(secs => $4::float8 + $5::float8), now() - make_interval(secs => $4::float8), 1, $6, $6, $7, 0, $8)`,
      [id, table, phase, 4 + at * at * 40, written > 1_000 ? 95 : 0.4 + at / 10, written, deleted, code],
    );
  }
}
