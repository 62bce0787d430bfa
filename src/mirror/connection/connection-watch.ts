import { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';
import { withOwnSession } from './session.ts';
import { SESSION_SIGN } from './session-sign.ts';
import { isPostgresError } from './sqlstate.ts';
import { timed } from './timed-query.ts';

/** What another connection says of the backend that should be at work for us. */
export type Look =
  /** It waits for its client. `sign` changes with whatever it does. */
  | { readonly backend: 'waiting'; readonly sign: string }
  /** It computes, or waits for a lock or a disk. */
  | { readonly backend: 'working' }
  | { readonly backend: 'gone' }
  /** PostgreSQL could not be asked. */
  | { readonly backend: 'unreachable' }
  /** PostgreSQL is there, or a pooler before it, and does not take the question. */
  | { readonly backend: 'unknown' };

/** What speaks for a connection's being dead, look by look. */
export interface Suspicion {
  readonly looks: number;
  readonly sign: string | undefined;
}

/** Looks in a row that nothing speaks against. */
const CONVICTION = 2;

/**
 * What one more look makes of a connection over which nothing comes or goes meanwhile. Each side may wait
 * for the other for a moment; both for long means that something between them was lost.
 *
 * @returns undefined when nothing speaks for its being dead any more.
 */
export function suspect(before: Suspicion | undefined, look: Look): Suspicion | undefined {
  if (look.backend === 'working') return undefined;
  if (look.backend === 'unknown') return before;
  const sign = look.backend === 'waiting' ? look.sign : before?.sign;
  const moved = before?.sign !== undefined && before.sign !== sign;
  return { looks: before === undefined || moved ? 1 : before.looks + 1, sign };
}

export function isDead(suspicion: Suspicion | undefined): boolean {
  return suspicion !== undefined && suspicion.looks >= CONVICTION;
}

export interface WatchOptions {
  /** Process id of the backend. */
  readonly pid: number;
  /** Milliseconds of silence before each look. */
  readonly patience: number;
  /** For the other connection, which is not one of the pool: that may have none left. */
  readonly pool: Pool;
}

/**
 * Watches a connection while work is under way on it. A statement may take as long as it likes while
 * its backend is at it; one that waits for us while we wait for it never ends. Then its session is ended
 * and the socket destroyed, so that whoever waits hears of it.
 *
 * @returns what ends the watch.
 */
export function watchConnection(client: PoolClient, options: WatchOptions): () => void {
  let traffic = trafficOf(client);
  let suspicion: Suspicion | undefined;
  let looking = false;
  let ended = false;
  const look = async (): Promise<void> => {
    const seen = await lookAt(options);
    if (ended) return;
    const before = suspicion;
    suspicion = trafficOf(client) === traffic ? suspect(before, seen) : undefined;
    if (!isDead(suspicion)) return;
    stop();
    client.connection.stream.destroy(new Error('The connection to PostgreSQL is dead.'));
    if (seen.backend === 'waiting') void endSession(options, seen.sign);
  };
  const timer = setInterval(() => {
    const now = trafficOf(client);
    if (now !== traffic) suspicion = undefined;
    else if (!looking) {
      looking = true;
      void look().finally(() => (looking = false));
    }
    traffic = now;
  }, options.patience);
  const stop = (): void => {
    ended = true;
    clearInterval(timer);
  };
  return stop;
}

/** Bytes that came or went so far. What is queued has not gone yet. */
function trafficOf(client: PoolClient): number {
  const { stream } = client.connection;
  if (!(stream instanceof Socket)) return 0;
  return stream.bytesRead + stream.bytesWritten - stream.writableLength;
}

const BACKEND = `FROM pg_stat_activity a LEFT JOIN pg_stat_progress_copy c USING (pid) WHERE a.pid = $1`;

async function lookAt({ pool, pid }: WatchOptions): Promise<Look> {
  let isConnected = false;
  try {
    return await withOwnSession(pool, async (session) => {
      isConnected = true;
      await session.setUp();
      const { rows } = await session.alone<{ waiting: boolean | null; sign: string }>(
        timed(`SELECT a.wait_event_type = 'Client' AS waiting, ${SESSION_SIGN} AS sign ${BACKEND}`, [pid]),
      );
      const [row] = rows;
      if (row === undefined) return { backend: 'gone' };
      return row.waiting === true ? { backend: 'waiting', sign: row.sign } : { backend: 'working' };
    });
  } catch (error) {
    return withoutAnswer(error, isConnected);
  }
}

/**
 * What it means that another connection got no answer. A server with no place left, a password that was
 * changed, a pooler whose connections are all at work: none of it says anything of those at work.
 *
 * @param isConnected whether the other connection came to be, and was let in.
 */
export function withoutAnswer(error: unknown, isConnected: boolean): Look {
  return isConnected || isPostgresError(error) ? { backend: 'unknown' } : { backend: 'unreachable' };
}

/** Ends a session that has not moved since, so that its locks do not outlast it. */
async function endSession({ pool, pid }: WatchOptions, sign: string): Promise<void> {
  try {
    await withOwnSession(pool, async (session) => {
      await session.setUp();
      await session.alone(
        timed(`SELECT pg_terminate_backend(a.pid) ${BACKEND} AND ${SESSION_SIGN} = $2`, [pid, sign]),
      );
    });
  } catch {
    // PostgreSQL ends it by itself when it notices that we are gone, which takes longer.
  }
}
