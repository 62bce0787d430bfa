import { lastPort, writeConfiguration } from './configuration.ts';
import type { Cluster } from './data-directory.ts';
import { EmbeddedPostgresError, OWN_SERVER_REMEDY } from './embedded-postgres-error.ts';
import { freePort } from './free-port.ts';
import { logEnd, logTail } from './log-tail.ts';
import { readPostmaster } from './postmaster.ts';
import { runProgram } from './run-program.ts';

/** Recovery after a crash can take minutes. */
const START_SECONDS = 600;
const STOP_SECONDS = 60;
const ATTEMPTS = 5;
const PORT_TAKEN = /could not (bind|create any TCP\/IP sockets)/;

/** Starts the server, on the port of its last start if that is free, and waits until it is ready. */
export async function startServer(cluster: Cluster, signal: AbortSignal | undefined): Promise<void> {
  const { paths, settings } = cluster;
  const taken = new Set<number>();
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(await lastPort(paths.configuration), taken);
    await writeConfiguration(paths.configuration, port, settings);
    const start = await logEnd(paths.log);
    if ((await pgCtlStart(cluster, signal)) === 0) return;
    const tail = await logTail(paths.log, start);
    if (attempt === ATTEMPTS || !PORT_TAKEN.test(tail)) {
      throw new EmbeddedPostgresError(
        `the embedded PostgreSQL did not start:\n${tail}`,
        `see ${paths.log}, or ${OWN_SERVER_REMEDY}`,
      );
    }
    taken.add(port);
  }
}

/** Stops the server, ending its connections, and waits until it has written everything down. */
export async function stopServer({ paths, binaries, account }: Cluster): Promise<void> {
  const start = await logEnd(paths.log);
  const code = await runProgram(
    binaries.pg_ctl,
    ['stop', '-s', '-w', '-t', String(STOP_SECONDS), '-m', 'fast', '-D', paths.data],
    { account, log: paths.log, signal: undefined },
  );
  if (code === 0 || (await readPostmaster(paths.data)) === undefined) return;
  throw new EmbeddedPostgresError(
    `the embedded PostgreSQL did not stop:\n${await logTail(paths.log, start)}`,
    `see ${paths.log}`,
  );
}

async function pgCtlStart(cluster: Cluster, signal: AbortSignal | undefined): Promise<number> {
  const { paths, binaries, account } = cluster;
  try {
    return await runProgram(
      binaries.pg_ctl,
      ['start', '-w', '-t', String(START_SECONDS), '-s', '-D', paths.data, '-l', paths.log],
      { account, log: paths.log, signal },
    );
  } catch (error) {
    // Aborting ends pg_ctl, which tells the server to stop but does not wait for that.
    if (signal?.aborted === true && (await readPostmaster(paths.data)) !== undefined) {
      await stopServer(cluster);
    }
    throw error;
  }
}
