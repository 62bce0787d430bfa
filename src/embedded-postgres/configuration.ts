import { chmod, readFile, writeFile } from 'node:fs/promises';

/** PostgreSQL parameters by name. */
export type ServerSettings = Readonly<Record<string, string>>;

/** What every embedded server runs with, unless the caller's settings say otherwise. */
const DEFAULTS: ServerSettings = {
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Routine; the log would grow by it for as long as the daemon runs.
  log_checkpoints: 'off',
  // No row value may land in the log. An error's own message quotes values, as its detail, context and
  // statement do: what failed is told with its SQLSTATE by whoever made the connection. What is left are
  // the server's own lines (LOG, FATAL, PANIC), of which a detail may quote the statement of a crash.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_min_duration_statement: '-1',
  // For the time in which somebody turns on one of the two lines above.
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
};

/** Writes the configuration that the data directory's postgresql.conf includes. */
export async function writeConfiguration(
  file: string,
  port: number,
  settings: ServerSettings,
): Promise<void> {
  const parameters = {
    ...DEFAULTS,
    ...settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    // No socket: its usual directory may not exist or not be writable for the server's user.
    unix_socket_directories: '',
  };
  const lines = Object.entries(parameters).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`,
  );
  await writeFile(file, `# Written at every start of the server.\n${lines.join('\n')}\n`);
  await chmod(file, 0o644);
}

/** The port of the last start, which a psql command printed then still names. */
export async function lastPort(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const port = /^port = '(\d+)'$/m.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}
