import {
  type ClientBase,
  Pool,
  type PoolClient,
  type PoolConfig,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import { backOff } from '../../timing/back-off.ts';
import { sleep } from '../../timing/sleep.ts';
import { isContention, isPostgresError, isReadOnly, postgresFailure } from './sqlstate.ts';
import type { Logger } from 'pino';
import { LogThrottle } from '../../log/log-throttle.ts';
import { readSecretFile } from '../../log/secret-file.ts';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { watchConnection } from './connection-watch.ts';
import { cancelLate, type RunningTransaction } from './late-cancel.ts';
import { addressPassword, parseAddress } from './postgres-address.ts';
import { connectionTo } from './postgres-tls.ts';
import {
  ANSWER_TIMEOUT,
  beginOn,
  isBehindPooler,
  Session,
  type SessionConfig,
  timed,
  type TokenPassword,
} from './session.ts';

export interface PostgresOptions {
  readonly url: string;
  /** The file that has `url`. Each new connection takes the password that the file has then. */
  readonly urlFile?: string | undefined;
  /** Most connections at a time. */
  readonly connections: number;
  /** Milliseconds that a transaction of ours may stand idle, so that a stopped process frees its locks. */
  readonly idleInTransaction: number;
  /** Gives the password; absent, the password of the address counts. */
  readonly tokens?: TokenPassword | undefined;
}

/** Milliseconds until a server that does not answer counts as unreachable. */
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds of silence after which the system asks whether the other side is still there. */
const KEEP_ALIVE = 10_000;
/** Milliseconds within which broken connections count as one trouble. */
const BURST = 10_000;

/**
 * Opens a pool. All its connections have the same settings, and it throws broken ones away.
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
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
    ...currentPassword(options),
    // The pool creates each client with this configuration, although its types do not say so.
    Client: Session as unknown as new () => ClientBase,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, as its types do not say
    onConnect: async (client) => {
      if (client instanceof Session) await client.setUp();
    },
  };
  const pool = new Pool(config);
  // Without a listener, an idle connection that breaks would end the process. All idle connections break
  // together, so they get one line.
  const broken = new LogThrottle(logger, { quiet: BURST });
  pool.on('error', (error) =>
    broken.tell('', { code: errorCode(error) }, 'An idle PostgreSQL connection broke.'),
  );
  return pool;
}

/** How a connection gets its password, if a file has it. While the file cannot be read, the known password counts. */
function currentPassword({ url, urlFile }: PostgresOptions): Pick<SessionConfig, 'currentPassword'> {
  let password = passwordOf(url);
  if (urlFile === undefined || password === undefined) return {};
  return {
    currentPassword: async () => {
      const read = await readSecretFile(urlFile, 'line');
      password = ('text' in read ? passwordOf(read.text) : undefined) ?? password ?? '';
      return password;
    },
  };
}

function passwordOf(text: string): string | undefined {
  const address = parseAddress(text);
  return address && addressPassword(address);
}

/** Milliseconds of silence in a transaction before another connection looks at its backend. */
const PATIENCE = 10_000;

/** A connection that is taken from the pool for as long as the work needs it. */
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

  /** @throws Failure `database-unreachable` and similar ones. */
  static async take(pool: Pool): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(pool, await pool.connect());
    } catch (error) {
      throw noConnection(error);
    }
  }

  /**
   * Runs `work` in a transaction, and throws the first error as `pg` made it. A connection
   * that cannot even roll back does not go back to the pool. A connection that dies silently is noticed,
   * however long a statement may take.
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
      // A pooler gives the backend to another client at once, so no cancel may come after this COMMIT.
      // Without a pooler, a cancel may still end a COMMIT that hangs.
      if (isBehindPooler(this.client)) await this.noCancelAfter(endCancel);
      await this.client.query('COMMIT');
      await this.noCancelAfter(endCancel);
      return result;
    } catch (error) {
      await this.noCancelAfter(endCancel);
      await this.rollBack();
      // A session knows from its start whether it may write. A new session after a failover may.
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

  /** Marks the connection as unusable; the first reason stays. */
  private breakOff(error: unknown): void {
    this.broken ??= error instanceof Error ? error : new Error(String(error));
  }

  private async begin(): Promise<RunningTransaction> {
    try {
      const statements = `${beginOn(this.client)}; SELECT pg_backend_pid() AS pid, now()::text AS "startedAt"`;
      // For several statements the driver returns several results, which its types do not know.
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

  /** Ends the connection where a cancel may still come: it must not hit the next work on this backend. */
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
 * Stays well below the time after which the server ends an idle transaction, which is a lease. Otherwise
 * another process would take over a table whose writer only has to begin its transaction again.
 */
function patienceOf(client: PoolClient): number {
  return client instanceof Session ? Math.min(PATIENCE, client.idleInTransaction / 3) : PATIENCE;
}

/**
 * Runs one transaction on a connection of its own, and repeats it when it loses against another.
 *
 * @param signal for work that may take long: an abort cancels it after a while.
 * @throws Failure for any error of PostgreSQL.
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

/** A pooler lets clients in and refuses BEGIN, but a page's rows and its link must commit together. */
function noTransactions(cause: Error): Failure {
  return new Failure({
    code: 'pooler-statement-mode',
    message: 'The connection pooler before PostgreSQL allows no transactions.',
    cause,
  });
}

/** The failure of a lost connection: nothing is known about the statement under way. */
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

/** `pg` reports a connection that cannot be made in several forms. All of them mean the same to us. */
function noConnection(error: unknown): unknown {
  const failure = postgresFailure(error);
  return failure instanceof Failure
    ? failure
    : lostConnection(error instanceof Error ? error : new Error(String(error)));
}

/**
 * Runs one small statement that waits for no lock, on a connection of the pool. When the answer does not come
 * in time, the statement fails and its connection is thrown away.
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

const RETRIES = 5;
const REST = { first: 125, longest: 2_000 };
const never = new AbortController().signal;

/**
 * Repeats work that lost against another transaction: by a deadlock, a serialization failure, or a lock that
 * did not come in time. It tries five more times within some three seconds, each time after a longer pause.
 *
 * @param work a whole transaction, or a statement that is one.
 * @throws the last error of `work`; the signal's reason when aborted in a pause.
 */
export async function despiteContention<T>(work: () => Promise<T>, signal: AbortSignal = never): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isContention(error) || attempt > RETRIES) throw error;
      await sleep(backOff(REST, attempt, Math.random()), signal);
    }
  }
}

/**
 * Runs `work` inside a savepoint, and rolls it back when it fails with an expected error.
 *
 * @returns the expected error; any other error is thrown.
 */
export async function inSavepoint<E>(
  client: ClientBase,
  work: () => Promise<void>,
  isExpected: (error: unknown) => error is E,
): Promise<E | undefined> {
  await client.query('SAVEPOINT work');
  try {
    await work();
    await client.query('RELEASE SAVEPOINT work');
    return undefined;
  } catch (error) {
    if (!isExpected(error)) throw error;
    // ROLLBACK TO keeps the savepoint. Without its release, each failure would nest one level deeper.
    await client.query('ROLLBACK TO SAVEPOINT work; RELEASE SAVEPOINT work');
    return error;
  }
}
