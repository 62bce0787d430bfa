import {
  Pool,
  type ClientBase,
  type PoolClient,
  type PoolConfig,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import type { Logger } from 'pino';
import { LogThrottle } from '../../log/log-throttle.ts';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { watchConnection } from './connection-watch.ts';
import { despiteContention } from './contention.ts';
import { cancelLate, type RunningTransaction } from './late-cancel.ts';
import { connectionTo } from './postgres-tls.ts';
import { beginOn, isBehindPooler, Session, type SessionConfig } from './session.ts';
import { isPostgresError, isReadOnly, postgresFailure } from './sqlstate.ts';
import { ANSWER_TIMEOUT, timed } from './timed-query.ts';

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
  const config: PoolConfig & SessionConfig = {
    ...connectionTo(options.url),
    application_name: 'mirrorverse',
    max: options.connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE,
    idleInTransaction: options.idleInTransaction,
    // The pool makes each client with this configuration, as its types do not say.
    Client: Session as unknown as new () => ClientBase,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, as its types do not say
    onConnect: async (client) => {
      if (client instanceof Session) await client.setUp();
    },
  };
  const pool = new Pool(config);
  // Without a listener an idle connection that breaks would end the process.
  // All idle connections break together: one line for them.
  const broken = new LogThrottle(logger, { quiet: BURST });
  pool.on('error', (error) =>
    broken.tell('', { code: errorCode(error) }, 'An idle PostgreSQL connection broke.'),
  );
  return pool;
}

/** Milliseconds of silence during a transaction before somebody asks whether it is still under way. */
const PATIENCE = 10_000;

/** A connection taken from the pool for as long as it is needed. */
export class PostgresConnection {
  readonly client: PoolClient;
  private readonly pool: Pool;
  private broken: Error | undefined;
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
   *
   * @param signal for work that may take long: an abort cancels it after a while.
   */
  async transaction<T>(work: (client: PoolClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let endWatch: (() => void) | undefined;
    let endCancel: (() => Promise<boolean>) | undefined;
    try {
      const running = await this.begin();
      const { pid } = running;
      endWatch = watchConnection(this.client, { pool: this.pool, pid, patience: patienceOf(this.client) });
      endCancel = cancelLate(this.pool, running, signal);
      const result = await work(this.client);
      // A pooler gives the backend to somebody else at once. Otherwise a COMMIT that hangs is cancelled too.
      if (isBehindPooler(this.client)) await this.noCancelAfter(endCancel);
      await this.client.query('COMMIT');
      await this.noCancelAfter(endCancel);
      return result;
    } catch (error) {
      await this.noCancelAfter(endCancel);
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

  /** Throws the connection away. */
  destroy(error: unknown): void {
    this.breakOff(error);
    this.release();
  }

  /** Marks the connection as one that is not to be used again; the first reason stays. */
  private breakOff(error: unknown): void {
    this.broken ??= error instanceof Error ? error : new Error(String(error));
  }

  private async begin(): Promise<RunningTransaction> {
    try {
      const statements = `${beginOn(this.client)}; SELECT pg_backend_pid() AS pid, now()::text AS "startedAt"`;
      // Of several statements the driver returns several results, which its types do not know.
      const results: unknown = await this.client.query(timed(statements));
      const running = (results as readonly QueryResult<RunningTransaction>[]).at(-1)?.rows[0];
      if (running === undefined) throw new Error('no process id');
      return running;
    } catch (error) {
      const failure = isPostgresError(error) && error.code === '08P01' ? noTransactions(error) : error;
      this.breakOff(failure);
      throw failure;
    }
  }

  /** A cancel that may still come must not hit what comes next on this backend: it then ends with the connection. */
  private async noCancelAfter(end: (() => Promise<boolean>) | undefined): Promise<void> {
    if ((await end?.()) === false) this.breakOff(new Error('a cancel of unknown fate'));
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
function patienceOf(client: PoolClient): number {
  return client instanceof Session ? Math.min(PATIENCE, client.idleInTransaction / 3) : PATIENCE;
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
    return await connection.transaction(work, signal);
  } finally {
    connection.release();
  }
}

/** A pooler that lets clients in and refuses BEGIN; the rows of a page and its link must commit together. */
function noTransactions(cause: Error): Failure {
  return new Failure({
    code: 'pooler-statement-mode',
    message: 'The connection pooler before PostgreSQL allows no transactions.',
    cause,
  });
}

/** A failure of the connection as such: nothing is known about the statement under way. */
function lostConnection(cause: Error): unknown {
  if (cause instanceof Failure) return cause;
  const failure = postgresFailure(cause);
  if (failure instanceof Failure && failure.reaction === 'retry') return failure;
  return new Failure({
    code: 'database-unreachable',
    message: 'The connection to PostgreSQL was lost.',
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

/**
 * One small statement that waits for nothing, on a connection of the pool: one that is not answered in
 * time fails, and its connection is thrown away.
 *
 * @throws what `pg` throws.
 */
export async function statement<R extends QueryResultRow>(
  pool: Pool,
  query: QueryConfig,
): Promise<QueryResult<R>> {
  const client = await pool.connect();
  let failure: Error | undefined;
  const onError = (error: Error): void => {
    failure ??= error;
  };
  client.on('error', onError);
  try {
    const inTime = { ...query, query_timeout: ANSWER_TIMEOUT };
    return await (client instanceof Session ? client.alone<R>(inTime) : client.query<R>(inTime));
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    client.off('error', onError);
    client.release(failure ?? false);
  }
}
