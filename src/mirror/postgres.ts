import { Pool, type ClientBase, type PoolClient, type QueryResult } from 'pg';
import type { Logger } from 'pino';
import { errorCode } from '../model/error-code.ts';
import { Failure } from '../model/failure.ts';
import { watchConnection } from './connection-watch.ts';
import { despiteContention } from './contention.ts';
import { connectionTo } from './postgres-tls.ts';
import { isPostgresError, isReadOnly, postgresFailure } from './sqlstate.ts';
import { timed } from './timed-query.ts';

export interface PostgresOptions {
  readonly url: string;
  /** Most connections at a time. */
  readonly connections: number;
  /** Milliseconds a transaction of ours may stand idle, so that a stopped process frees its locks. */
  readonly idleInTransaction: number;
}

/** Milliseconds until a server that does not answer at all counts as unreachable. */
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds of silence after which the system asks whether the other side is still there. */
const KEEP_ALIVE = 10_000;
/** Milliseconds between two broken connections that are of one trouble. */
const BURST = 10_000;

/**
 * A pool whose connections are set up alike and whose broken connections are thrown away.
 *
 * @throws Failure `database-tls` where the address asks for TLS in a way that cannot be followed.
 */
export function openPool(options: PostgresOptions, logger: Logger): Pool {
  const pool = new Pool({
    ...connectionTo(options.url),
    application_name: 'mirrorverse',
    max: options.connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE,
    idle_in_transaction_session_timeout: options.idleInTransaction,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, as its types do not say
    onConnect: setUp,
  });
  // Without a listener an idle connection that breaks would end the process.
  let lastTold = Number.NEGATIVE_INFINITY;
  pool.on('error', (error) => {
    // All idle connections break together: one line for them.
    const isFirst = performance.now() - lastTold > BURST;
    lastTold = performance.now();
    logger[isFirst ? 'warn' : 'debug']({ code: errorCode(error) }, 'An idle PostgreSQL connection broke.');
  });
  return pool;
}

/** Seconds of silence after which the server asks for us, between its questions, and how many it asks. */
const SERVER_KEEP_ALIVE = `set_config('tcp_keepalives_idle', '30', false),
  set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '3', false)`;
/**
 * What a role or a database may have set otherwise: how times are written, which are read, and a limit on
 * statements, which a sweep would never keep to; whether one is still at work is watched.
 */
const SESSION = `set_config('datestyle', 'ISO', false), set_config('statement_timeout', '0', false)`;
/** How often the server looks whether we are there while it is at work or waits for a lock. */
const SERVER_CHECK = `set_config('client_connection_check_interval', '10s', false)`;

/**
 * Sets a new session up, and makes the server notice within a minute that we are gone, whatever it is doing: a session left behind
 * keeps its locks, the lease's among them. As a statement, because poolers refuse connections that ask
 * for it at their start.
 */
async function setUp(client: ClientBase): Promise<void> {
  try {
    await client.query(timed(`SELECT ${SESSION}, ${SERVER_KEEP_ALIVE}, ${SERVER_CHECK}`));
  } catch (error) {
    if (!isPostgresError(error)) throw error;
    // Not every system that PostgreSQL runs on can look.
    await client.query(timed(`SELECT ${SESSION}, ${SERVER_KEEP_ALIVE}`));
  }
}

/** Milliseconds of silence during a transaction before somebody asks whether it is still under way. */
const PATIENCE = 10_000;

/** Milliseconds a transaction may go on after the process was told to stop. */
const ABORT_GRACE = 10_000;

/** A connection taken from the pool for as long as it is needed. */
export class PostgresConnection {
  readonly client: PoolClient;
  private readonly pool: Pool;
  private broken: Error | undefined;
  /** Process id of the backend, which behind a pooler may be another one each time. */
  private pid: number | undefined;
  private readonly onError = (error: Error): void => {
    this.broken ??= error;
  };

  private constructor(pool: Pool, client: PoolClient) {
    this.pool = pool;
    this.client = client;
    client.on('error', this.onError);
  }

  /** @throws Failure `database-unreachable` and its kin. */
  static async take(pool: Pool): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(pool, await pool.connect());
    } catch (error) {
      throw connectFailure(error);
    }
  }

  /**
   * Runs `work` in a transaction. Whatever fails, the first error is the one thrown, as `pg` made it;
   * a connection that cannot even roll back is not given back to the pool. One that dies without a
   * word is noticed, however long a statement may take.
   */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    let endWatch: (() => void) | undefined;
    try {
      const pid = await this.begin();
      endWatch = watchConnection(this.client, { pool: this.pool, pid, patience: patienceOf(this.pool) });
      const result = await work(this.client);
      await this.client.query('COMMIT');
      return result;
    } catch (error) {
      await this.rollBack();
      // Whether a session may write was settled when it began: one made after a failover may.
      if (isReadOnly(error)) this.broken ??= new Error('read-only session');
      throw this.broken === undefined || isReadOnly(error) ? error : lostConnection(this.broken);
    } finally {
      endWatch?.();
    }
  }

  /** Gives the connection back, or throws it away when it is broken. */
  release(): void {
    this.client.off('error', this.onError);
    this.client.release(this.broken ?? false);
  }

  /** Cancels the statement under way, from another connection; without effect when there is none. */
  private async cancel(): Promise<void> {
    try {
      await this.pool.query(timed('SELECT pg_cancel_backend($1)', [this.pid]));
    } catch {
      // PostgreSQL cannot be asked; it rolls back by itself when it notices that we are gone.
    }
  }

  /**
   * Lets work on the connection end by itself after an abort, for a while; then its statement is
   * cancelled, which rolls the transaction back. One that waits for a lock, or rewrites a large table,
   * would otherwise outlast the process's own time to stop, and keep the lease.
   */
  async cancelledLate<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      timer = setTimeout(() => void this.cancel(), ABORT_GRACE);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Throws the connection away. */
  destroy(error: unknown): void {
    this.breakOff(error);
    this.release();
  }

  /** Marks the connection as one that is not to be used again; the first reason stays. */
  private breakOff(error: unknown): void {
    this.broken ??= error instanceof Error ? error : new Error(String(error));
  }

  /** @returns the backend's process id. */
  private async begin(): Promise<number> {
    try {
      // Of two statements the driver returns two results, which its types do not know.
      const results: unknown = await this.client.query(timed('BEGIN; SELECT pg_backend_pid() AS pid'));
      const [, answer] = results as readonly QueryResult<{ pid: number }>[];
      this.pid = answer?.rows[0]?.pid;
      if (this.pid === undefined) throw new Error('no process id');
      return this.pid;
    } catch (error) {
      this.breakOff(error);
      throw error;
    }
  }

  private async rollBack(): Promise<void> {
    if (this.broken !== undefined) return;
    try {
      await this.client.query(timed('ROLLBACK'));
    } catch (error) {
      this.breakOff(error);
    }
  }
}

/**
 * Well within the time that the server itself gives a transaction that stands idle, which is a lease:
 * nobody is to take over from one that only has to begin again.
 */
function patienceOf(pool: Pool): number {
  const { idle_in_transaction_session_timeout: idle = Infinity } = pool.options;
  return Math.min(PATIENCE, idle / 3);
}

/**
 * One transaction on a connection of its own, repeated when it loses against another.
 *
 * @param signal for work that may take long: an abort cancels it after a while.
 * @throws Failure for whatever PostgreSQL says.
 */
export async function transaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await despiteContention(async () => transactionOnce(pool, work, signal), signal);
  } catch (error) {
    throw postgresFailure(error);
  }
}

async function transactionOnce<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const connection = await PostgresConnection.take(pool);
  try {
    if (signal === undefined) return await connection.transaction(work);
    return await connection.cancelledLate(signal, async () => connection.transaction(work));
  } finally {
    connection.release();
  }
}

/** A failure of the connection as such: nothing is known about the statement under way. */
function lostConnection(cause: Error): unknown {
  const failure = postgresFailure(cause);
  if (failure instanceof Failure && failure.reaction === 'retry') return failure;
  return new Failure({
    code: 'database-unreachable',
    reaction: 'retry',
    message: 'The connection to PostgreSQL was lost.',
    remedy: 'It is tried again by itself; check that the server runs.',
    cause,
  });
}

/** `pg` reports a connection that does not come to be in several shapes; all mean the same to us. */
function connectFailure(error: unknown): unknown {
  const failure = postgresFailure(error);
  return failure instanceof Failure
    ? failure
    : lostConnection(error instanceof Error ? error : new Error(String(error)));
}
