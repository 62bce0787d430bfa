/**
 * Settings that a role, a database, PGOPTIONS or postgresql.conf may have changed, and that would change what
 * is stored or read, or stop a table (PostgreSQL manual, chapter 20). Each value is SQL; null leaves the
 * setting as it is. The administrator decides what only costs time, says where things are kept, or says how
 * much a crash may lose: planner, memory, tablespaces, `role`, `synchronous_commit`. But for `jit`: see there.
 */
const PINNED: readonly (readonly [name: string, value: string])[] = [
  // Long statements are allowed, and another connection watches them. A transaction that stands idle has its
  // own limit.
  ['statement_timeout', `'0'`],
  ['lock_timeout', `'0'`],
  ['transaction_timeout', `'0'`],
  ['idle_session_timeout', `'0'`],
  // How values are written as text, and how text is read.
  ['client_encoding', `'UTF8'`],
  ['datestyle', `'ISO, MDY'`],
  ['intervalstyle', `'postgres'`],
  ['timezone', `'UTC'`],
  ['extra_float_digits', `'1'`],
  ['bytea_output', `'hex'`],
  ['xmloption', `'content'`],
  ['array_nulls', `'on'`],
  // PostgreSQL 15 to 18 compile large statements by default. Ours have one expression for each column: compiling them
  // took longer than running them, twice the time of a merge of 60 columns and ten times that of its change log.
  ['jit', `'off'`],
  // How SQL is read, and how functions such as format_type() return names.
  ['standard_conforming_strings', `'on'`],
  ['backslash_quote', `'safe_encoding'`],
  ['transform_null_equals', `'off'`],
  ['quote_all_identifiers', `'off'`],
  // All our names have their schema, so only a path that puts other functions before PostgreSQL's own
  // matters. The rest of the path stays: triggers on a mirror table may need it.
  [
    'search_path',
    `CASE WHEN current_setting('search_path') ILIKE '%pg_catalog%' THEN 'pg_catalog, ' || current_setting('search_path') END`,
  ],
  // Policies that hide rows must raise an error, because a hidden row would count as missing.
  ['row_security', `'off'`],
  ['restrict_nonsystem_relation_kind', `''`],
  // The expected error of a row that cannot be stored must not end the session.
  ['exit_on_error', `'off'`],
  ['client_min_messages', `'warning'`],
  ['debug_parallel_query', `'off'`],
  ['force_parallel_mode', `'off'`],
  ['default_transaction_isolation', `'read committed'`],
  ['default_transaction_deferrable', `'off'`],
  // A tablespace or access method that does not exist would make every new table fail.
  [
    'default_table_access_method',
    `CASE WHEN NOT EXISTS (SELECT FROM pg_am WHERE amname = current_setting('default_table_access_method')) THEN 'heap' END`,
  ],
  // `replica` switches triggers and foreign keys off. Only a superuser may change it back.
  ['session_replication_role', `CASE WHEN current_setting('is_superuser') = 'on' THEN 'origin' END`],
];

/**
 * Settings for a connection whose server end we share with nobody: after how many seconds of silence the
 * server asks for us, how often, and how many times. A session that is left behind keeps its locks, among
 * them the lease's, so the server must notice within a minute that we are gone.
 */
const OWN: readonly (readonly [name: string, value: string])[] = [
  ['tcp_keepalives_idle', `'30'`],
  ['tcp_keepalives_interval', `'10'`],
  ['tcp_keepalives_count', `'3'`],
  ['tcp_user_timeout', `'0'`],
];

/** How often the server checks, while it works, whether we are still there. Not every system can check. */
export const SERVER_CHECK = ['client_connection_check_interval', `'10s'`] as const;

/**
 * Whether a role or database was made read-only by default, which is a setting like the others. The server's
 * own setting is obeyed: providers set it where a disk is nearly full, and a standby has it.
 */
const READ_ONLY_BY_ROLE = `EXISTS (
  SELECT FROM pg_db_role_setting s, unnest(s.setconfig) AS c(setting)
   WHERE starts_with(c.setting, 'default_transaction_read_only=')
     AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
     AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))`;

/**
 * This statement comes first, because a time-out of a role or database also holds for the statement that pins
 * the settings. It reads no catalog, so it takes almost no time. Statements that are sent together are one
 * transaction, so nothing stays behind at a pooler.
 */
const UNTIMED = 'SET LOCAL statement_timeout = 0';

/** What a new connection found out. */
export interface SessionAnswer {
  /** Process id of the backend that answered. */
  readonly pid: number;
  readonly readOnlyByRole: boolean;
}

/**
 * SQL that pins the settings for the life of the connection, in one round trip, where the backend has process
 * id `own`; elsewhere it sets nothing. @returns SQL whose last result has one row, a `SessionAnswer`.
 */
export function pinForSession(own: number, idleInTransaction: number, checked: boolean): string {
  const settings = [
    ...PINNED,
    idleLimit(idleInTransaction),
    ['default_transaction_read_only', `CASE WHEN ${READ_ONLY_BY_ROLE} THEN 'off' END`] as const,
    ...OWN,
    ...(checked ? [SERVER_CHECK] : []),
  ];
  return `${UNTIMED}; SELECT pg_backend_pid() AS pid, ${READ_ONLY_BY_ROLE} AS "readOnlyByRole",
    (${setAll(settings, false, `pg_backend_pid() = (${own})`)}) AS pinned`;
}

/** SQL that pins the settings until the transaction ends. */
export function pinForTransaction(idleInTransaction: number): string {
  return `${UNTIMED}; ${setAll([...PINNED, idleLimit(idleInTransaction)], true, 'true')}`;
}

function idleLimit(milliseconds: number): readonly [string, string] {
  return ['idle_in_transaction_session_timeout', `'${Math.round(milliseconds)}'`];
}

/** Settings that this version of PostgreSQL does not have are left out. */
function setAll(
  settings: readonly (readonly [name: string, value: string])[],
  isLocal: boolean,
  condition: string,
): string {
  const values = settings.map(([name, value]) => `('${name}', ${value})`).join(', ');
  return `SELECT count(set_config(p.name, p.value, ${isLocal})) FROM (VALUES ${values}) AS p(name, value)
    WHERE ${condition} AND p.value IS NOT NULL AND current_setting(p.name, true) IS NOT NULL`;
}
