import { setTimeout as delay } from 'node:timers/promises';
import { clusterUrl } from './cluster-database.ts';
import type { ClusterPaths } from './cluster-paths.ts';
import { EmbeddedPostgresError, errorCode } from './embedded-postgres-error.ts';
import { readPassword } from './password.ts';
import { readPostmaster } from './postmaster.ts';
import { connectPresence, type Presence } from './presence.ts';

const POLL_MS = 100;
/** Recovery after a crash can take minutes. */
const WAIT_MS = 600_000;

/** A running server, and our connection to it. */
export interface Joined {
  readonly port: number;
  readonly password: string;
  readonly presence: Presence;
}

/**
 * Connects to the server that is already running in the data directory; undefined when there is none.
 * One that is starting up or shutting down is waited for.
 */
export async function joinServer(
  paths: ClusterPaths,
  signal: AbortSignal | undefined,
): Promise<Joined | undefined> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    signal?.throwIfAborted();
    const postmaster = await readPostmaster(paths.data);
    if (postmaster === undefined) return undefined;
    const { pid, port } = postmaster;
    if (port !== undefined) {
      const password = await readPassword(paths);
      try {
        return { port, password, presence: await connectPresence(clusterUrl(port, password, 'postgres')) };
      } catch (error) {
        if (!isPassing(error) || Date.now() > deadline) {
          throw new EmbeddedPostgresError(
            `the embedded PostgreSQL (process ${pid}, port ${port}) does not let us in: ${String(error)}`,
            `restore ${paths.password}, or stop process ${pid} and delete ${paths.data} to begin again`,
            { cause: error },
          );
        }
      }
    }
    await delay(POLL_MS);
  }
}

/** No connection, or one ended by a start or a stop (class 57P); other answers stay what they are. */
function isPassing(error: unknown): boolean {
  return /^(E[A-Z]|57P|$)/.test(errorCode(error) ?? '');
}
