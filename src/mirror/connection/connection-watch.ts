import { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';
import { timed, withOwnSession } from './session.ts';
import { Failure } from '../../model/failure.ts';
import { isPostgresError } from './sqlstate.ts';

/** What another connection says about the backend that should be working for us. */
export type Look =
  /** It waits for its client. `sign` changes with everything the backend does. */
  | { readonly backend: 'waiting'; readonly sign: string }
  /** It computes, or waits for a lock or a disk. */
  | { readonly backend: 'working' }
  | { readonly backend: 'gone' }
  /** PostgreSQL could not be asked. */
  | { readonly backend: 'unreachable' }
  /** PostgreSQL, or a pooler before it, is there and does not accept the question. */
  | { readonly backend: 'unknown' };

/** Signs, look by look, that a connection is dead. */
export interface Suspicion {
  readonly looks: number;
  readonly sign: string | undefined;
}

/** Looks in a row that must agree. */
const CONVICTION = 2;

/**
 * What one more look says about a connection that carried no data meanwhile. Each side may wait for the other
 * for a moment. When both wait for long, something between them was lost.
 *
 * @returns undefined when nothing says any more that the connection is dead.
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
  /** Process id of the backend at work. */
  readonly pid: number;
  /** Milliseconds of silence before each look. */
  readonly patience: number;
  /** Tells where to connect. The other connection does not come from the pool, which may have none left. */
  readonly pool: Pool;
}

/**
 * Watches a connection while work is under way on it. A statement may take as long as it likes while its
 * backend works. A statement never ends when the backend waits for us and we wait for the backend: then the
 * watch ends the session and destroys the socket, so that the waiting code gets an error.
 *
 * @returns a function that ends the watch.
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

/** Bytes that came or went so far. Queued bytes have not gone yet. */
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
 * What it means that another connection got no answer. The server may have no place left, a password may have
 * changed, a pooler may be busy: that says nothing about connections at work.
 *
 * @param isConnected whether the other connection was made and let in.
 */
export function withoutAnswer(error: unknown, isConnected: boolean): Look {
  const isAnswer = isPostgresError(error) || (error instanceof Failure && !NO_ANSWER.has(error.code));
  return isConnected || isAnswer ? { backend: 'unknown' } : { backend: 'unreachable' };
}

/** Failures of a connection over which PostgreSQL, or a pooler before it, said nothing. */
const NO_ANSWER: ReadonlySet<Failure['code']> = new Set(['database-unreachable', 'database-tls']);

/** Ends a session that has not moved since, so that it does not hold its locks any longer. */
async function endSession({ pool, pid }: WatchOptions, sign: string): Promise<void> {
  try {
    await withOwnSession(pool, async (session) => {
      await session.setUp();
      await session.alone(
        timed(`SELECT pg_terminate_backend(a.pid) ${BACKEND} AND ${SESSION_SIGN} = $2`, [pid, sign]),
      );
    });
  } catch {
    // PostgreSQL ends the session by itself when it notices that we are gone. That takes longer.
  }
}

/**
 * SQL that shows what a session has done last. It changes with a statement, a state, a piece of a COPY. `a`
 * is the session's row of `pg_stat_activity`, `c` that of `pg_stat_progress_copy`.
 */
export const SESSION_SIGN = `concat_ws(' ', a.backend_start, a.xact_start, a.query_start, a.state_change, c.bytes_processed)`;
