import {
  Client,
  type ClientBase,
  type ClientConfig,
  type Pool,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import { pinForSession, pinForTransaction, type SessionAnswer } from './session-settings.ts';
import { isPostgresError } from './sqlstate.ts';
import { timed, type TimedQuery } from './timed-query.ts';

export interface SessionConfig extends ClientConfig {
  /** Milliseconds a transaction may stand idle, so that a stopped process frees its locks. */
  readonly idleInTransaction: number;
}

/**
 * A connection to PostgreSQL with the settings that mirrorverse relies on, whatever a role or a database
 * was given.
 *
 * Behind a pooler (PgBouncer and its like) the server's end of it may be another one for each
 * transaction, and is somebody else's afterwards. Nothing may be left there, so the settings go along
 * with each transaction.
 */
export class Session extends Client {
  readonly idleInTransaction: number;
  /** Of the backend as the server's greeting had it; a pooler makes up its own. */
  declare readonly processID: number | null;
  private beginning = 'BEGIN';
  private behindPooler = false;

  constructor(config: SessionConfig) {
    super(config);
    this.idleInTransaction = config.idleInTransaction;
  }

  /** Whether something between here and PostgreSQL shares the server's connections out. */
  get isBehindPooler(): boolean {
    return this.behindPooler;
  }

  /** SQL that begins a transaction; one round trip. */
  get begin(): string {
    return this.beginning;
  }

  /**
   * Pins the settings, in one round trip. As a statement, because poolers refuse connections that ask for
   * them at their start.
   */
  async setUp(): Promise<void> {
    const own = this.processID ?? 0;
    const { pid, readOnlyByRole } = await this.pin(own);
    this.behindPooler = pid !== own;
    const mode = readOnlyByRole ? ' READ WRITE' : '';
    this.beginning = this.behindPooler
      ? `BEGIN ISOLATION LEVEL READ COMMITTED${mode}; ${pinForTransaction(this.idleInTransaction)}`
      : 'BEGIN';
  }

  /** Runs one statement that needs no transaction; behind a pooler it has one, for the settings' sake. */
  async alone<R extends QueryResultRow>(statement: TimedQuery): Promise<QueryResult<R>> {
    if (!this.behindPooler) return this.query<R>(statement);
    await this.query(timed(this.beginning));
    try {
      // A name would be one of whichever server connection comes first; the next one does not know it.
      const { name: _, ...nameless } = statement;
      const result = await this.query<R>(nameless);
      await this.query(timed('COMMIT'));
      return result;
    } catch (error) {
      // A connection that broke cannot; what is thrown is the first error.
      if (isPostgresError(error)) await this.query(timed('ROLLBACK')).catch(() => undefined);
      throw error;
    }
  }

  private async pin(own: number): Promise<SessionAnswer> {
    const pinned = async (checked: boolean): Promise<SessionAnswer> => {
      const statement = pinForSession(own, this.idleInTransaction, checked);
      // Of several statements the driver returns several results, which its types do not know.
      const results: unknown = await this.query(timed(statement));
      const answer = (results as readonly QueryResult<SessionAnswer>[]).at(-1)?.rows[0];
      if (answer === undefined) throw new TypeError('A row was expected.');
      return answer;
    };
    try {
      return await pinned(true);
    } catch (error) {
      if (!isPostgresError(error)) throw error;
      return pinned(false);
    }
  }
}

/** SQL that begins a transaction on a client, which need not be one of ours. */
export function beginOn(client: ClientBase): string {
  return client instanceof Session ? client.begin : 'BEGIN';
}

/** Whether the server's end of a client is somebody else's as soon as a transaction has ended. */
export function isBehindPooler(client: ClientBase): boolean {
  return client instanceof Session && client.isBehindPooler;
}

/** Runs `work` on a connection of its own, yet to be set up. One of the pool there may be none left of. */
export async function withOwnSession<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session({ idleInTransaction: 0, ...pool.options });
  // Whatever breaks breaks the query too.
  session.on('error', () => undefined);
  try {
    await session.connect();
    return await work(session);
  } finally {
    // Not waited for: a dead connection would never end.
    void session.end().catch(() => undefined);
  }
}
