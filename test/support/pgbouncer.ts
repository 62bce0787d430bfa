import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { temporaryDirectory } from './database-server.ts';
import { neededProgram } from './needed-program.ts';

/** Undefined where the machine has none. */
export const PGBOUNCER = neededProgram('pgbouncer');

/** A PgBouncer between a test and its database, with PgBouncer's own defaults for all that is not given. */
export interface PgBouncer extends AsyncDisposable {
  /** The database as PgBouncer has it. */
  readonly url: string;
}

/** @param url of the database. @param settings of pgbouncer.ini, such as `pool_mode`. */
export async function startPgBouncer(
  url: string,
  settings: Readonly<Record<string, string | number>>,
): Promise<PgBouncer> {
  if (PGBOUNCER === undefined) throw new Error('There is no PgBouncer.');
  const { hostname, port, username, password, pathname } = new URL(url);
  const directory = await temporaryDirectory();
  const database = decodeURIComponent(pathname.slice(1));
  await writeFile(join(directory, 'users'), `"${username}" "${decodeURIComponent(password)}"\n`);
  const given = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  // A socket in a directory of its own: no port that somebody else may have.
  const lines = [
    '[databases]',
    `${database} = host=${hostname} port=${port || 5432}`,
    '[pgbouncer]',
    `unix_socket_dir = ${directory}`,
    'listen_port = 6432',
    'auth_type = trust',
    `auth_file = ${join(directory, 'users')}`,
    ...given,
  ];
  await writeFile(join(directory, 'pgbouncer.ini'), lines.join('\n'));
  await chmod(directory, 0o777);
  const child = spawn(PGBOUNCER, [join(directory, 'pgbouncer.ini')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(await account()),
  });
  const exited = once(child, 'exit');
  const heard: string[] = [];
  const up = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      heard.push(line);
      if (line.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`PgBouncer ended: ${heard.join('\n')}`)));
  });
  await up;
  return {
    // As libpq writes the address of a socket.
    url: `postgres://${username}:${password}@${pathname}?host=${directory}&port=6432`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** PgBouncer refuses to run as root. */
async function account(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const run = promisify(execFile);
  const [uid, gid] = await Promise.all([run('id', ['-u', 'nobody']), run('id', ['-g', 'nobody'])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
