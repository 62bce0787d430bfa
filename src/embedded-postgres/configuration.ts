import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { giveTo, type Cluster } from './program.ts';

/** The parameters of every bundled server, unless the caller's settings say otherwise. */
const DEFAULTS: Cluster['settings'] = {
  // In months of work these lines would fill the log.
  log_checkpoints: 'off',
  // No row value may get into the log. The message of an error quotes values, and so do its detail, context
  // and statement. The client that gets the error reports its SQLSTATE instead. The server's own lines (LOG,
  // FATAL, PANIC) stay, without the details, which can quote the statement that a crash interrupted.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  // This protects the values if a user turns log_statement on.
  log_parameter_max_length: '0',
};

/** These ports are next to PostgreSQL's own 5432, so that they look familiar. 0 stands for any free port. */
const PORTS = [5433, 5434, 5435, 5436, 5437, 5438, 5439, 0];

/** Writes the configuration that the data directory's postgresql.conf includes. */
export async function writeConfiguration({ paths, account, settings }: Cluster): Promise<void> {
  // The port of the last start, if it is free: a psql command that was printed then names it.
  const last = /^port = '(\d+)'$/m.exec(await readFile(paths.configuration, 'utf8').catch(() => ''))?.[1];
  const port =
    settings['port'] ?? String(await firstFree(last === undefined ? PORTS : [Number(last), ...PORTS]));
  const parameters = {
    ...DEFAULTS,
    ...settings,
    listen_addresses: '127.0.0.1',
    port,
    // No socket: its usual directory may be missing, or closed to the server's user.
    unix_socket_directories: '',
  };
  const lines = Object.entries(parameters).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`,
  );
  // Renamed into place: a server that another process starts may read the file at the same moment.
  const draft = `${paths.configuration}.${randomUUID()}`;
  try {
    await writeFile(draft, `# Written at every start of the server.\n${lines.join('\n')}\n`);
    await giveTo(account, draft);
    await rename(draft, paths.configuration);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The first of the ports that nobody listens on at 127.0.0.1. */
async function firstFree(ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    await using server = createServer().listen(port, '127.0.0.1');
    const listening = await once(server, 'listening').catch(() => undefined);
    if (listening !== undefined) return (server.address() as AddressInfo).port;
  }
  throw new Error('no port of 127.0.0.1 is free');
}
