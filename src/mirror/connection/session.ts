import {
  Client,
  type ClientBase,
  type ClientConfig,
  type Pool,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import { connectFailure, type Destination } from './connect-failure.ts';
import { pinForSession, pinForTransaction, type SessionAnswer } from './session-settings.ts';
import { unfitEngine } from './server-engine.ts';
import type { Failure } from '../../model/failure.ts';
import { isPostgresError } from './sqlstate.ts';

/** Milliseconds within which a small statement is answered; after them the connection counts as dead. */
export const ANSWER_TIMEOUT = 10_000;

/** A query that the driver gives up after a while. Its connection must be thrown away then. */
export interface TimedQuery extends QueryConfig {
  /** Milliseconds. */
  readonly query_timeout: number;
}

export function timed(text: string, values: readonly unknown[] = []): TimedQuery {
  return { text, values: [...values], query_timeout: ANSWER_TIMEOUT };
}

export interface SessionConfig extends ClientConfig {
  /** Milliseconds that a transaction may stand idle, so that a stopped process frees its locks. */
  readonly idleInTransaction: number;
  /** Gives the password that is right now; absent, the password of the address counts. */
  readonly currentPassword?: () => Promise<string>;
  /** Gives a token that serves as the password; absent, there is a password. */
  readonly tokens?: TokenPassword;
}

/** Gives a token for each new connection, which serves as the password. */
export interface TokenPassword {
  /** @throws Failure */
  token(): Promise<string>;
  /** Is told that the server refused the last token, so that the next one is new. */
  refused(): void;
}

/** The driver's events for a server that asks for a password. */
const PASSWORD_REQUESTS = [
  'authenticationCleartextPassword',
  'authenticationMD5Password',
  'authenticationSASL',
];

/**
 * A connection to PostgreSQL with the settings that mirrorverse relies on, whatever settings a role or a
 * database has.
 *
 * Behind a pooler (such as PgBouncer) each transaction may get another connection to the server, which serves
 * other clients afterwards. Nothing of ours may stay there, so each transaction brings the settings along.
 */
export class Session extends Client {
  readonly idleInTransaction: number;
  /** Process id of the backend, from the server's greeting. A pooler makes up its own. */
  declare readonly processID: number | null;
  private readonly tokens: TokenPassword | undefined;
  private beginning = 'BEGIN';
  private behindPooler = false;

  constructor(config: SessionConfig) {
    super(config);
    this.idleInTransaction = config.idleInTransaction;
    const { tokens } = config;
    this.tokens = tokens;
    // Not by the configuration's `password`: the driver would put the one of the address in its place, which is empty.
    const password = tokens === undefined ? config.currentPassword : async () => tokens.token();
    if (password !== undefined) Object.assign(this, { password });
  }

  /** Connects as the driver does. @throws Failure that names server, user and database. */
  override connect(): Promise<Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<Client> | undefined {
    const failure = this.watchConnecting();
    if (callback === undefined) {
      return super.connect().catch((error: unknown) => {
        throw failure(error);
      });
    }
    // The driver calls back without an error when the connection is made, although its types do not say so.
    super.connect((error: Error | undefined) => callback((error && failure(error)) as Error));
    return undefined;
  }

  /** Remembers what a failure to connect may depend on. @returns what makes this failure from the driver's error. */
  private watchConnecting(): (error: unknown) => Failure {
    const since = performance.now();
    let isAsked = false;
    // The driver's own words for a missing password look like a broken connection.
    for (const request of PASSWORD_REQUESTS) this.connection.once(request, () => (isAsked = true));
    return (error) => {
      const failure = connectFailure(error, this.destination, {
        lacksPassword: isAsked && !this.password,
        usesToken: this.tokens !== undefined,
        took: performance.now() - since,
      });
      if (failure.code === 'database-sign-in') this.tokens?.refused();
      return failure;
    };
  }

  private get destination(): Destination {
    const { host, port, user = '', database = '' } = this;
    return { host, port, user, database };
  }

  /** Whether a pooler between here and PostgreSQL shares out the server's connections. */
  get isBehindPooler(): boolean {
    return this.behindPooler;
  }

  /** SQL that begins a transaction; one round trip. */
  get begin(): string {
    return this.beginning;
  }

  /** Pins the settings by a statement, in one round trip: poolers refuse settings in the greeting. */
  async setUp(): Promise<void> {
    const own = this.processID ?? 0;
    const { pid, readOnlyByRole } = await this.pin(own);
    this.behindPooler = pid !== own;
    const mode = readOnlyByRole ? ' READ WRITE' : '';
    this.beginning = this.behindPooler
      ? `BEGIN ISOLATION LEVEL READ COMMITTED${mode}; ${pinForTransaction(this.idleInTransaction)}`
      : 'BEGIN';
  }

  /** Runs one statement alone. Behind a pooler it gets a transaction, which brings the settings. */
  async alone<R extends QueryResultRow>(statement: TimedQuery): Promise<QueryResult<R>> {
    if (!this.behindPooler) return this.query<R>(statement);
    await this.query(timed(this.beginning));
    try {
      // A named statement exists only on the server connection that prepared it; the next transaction may get
      // another one.
      const { name: _, ...nameless } = statement;
      const result = await this.query<R>(nameless);
      await this.query(timed('COMMIT'));
      return result;
    } catch (error) {
      // A broken connection cannot roll back. The first error is thrown.
      if (isPostgresError(error)) await this.query(timed('ROLLBACK')).catch(() => undefined);
      throw error;
    }
  }

  private async pin(own: number): Promise<SessionAnswer> {
    const pinned = async (checked: boolean): Promise<SessionAnswer> => {
      const statement = pinForSession(own, this.idleInTransaction, checked);
      // For several statements the driver returns several results, which its types do not know.
      const results: unknown = await this.query(timed(statement));
      const answer = (results as readonly QueryResult<SessionAnswer>[]).at(-1)?.rows[0];
      if (answer === undefined) throw new TypeError('A row was expected.');
      return answer;
    };
    try {
      return await pinned(true);
    } catch (error) {
      if (!isPostgresError(error)) throw error;
      return pinned(false).catch(async (again: unknown) => {
        throw (await this.unfitEngine()) ?? again;
      });
    }
  }

  /** Another engine may refuse the settings, and its own refusal would not tell what it is. */
  private async unfitEngine(): Promise<Failure | undefined> {
    const asked = this.query<{ version: string }>(timed('SELECT version()'));
    const rows = await asked.then(({ rows: answered }) => answered).catch(() => []);
    return unfitEngine(rows[0]?.version ?? '');
  }
}

/** SQL that begins a transaction on a client. The client need not be a `Session`. */
export function beginOn(client: ClientBase): string {
  return client instanceof Session ? client.begin : 'BEGIN';
}

/** Whether the server's end of a connection serves another client as soon as a transaction has ended. */
export function isBehindPooler(client: ClientBase): boolean {
  return client instanceof Session && client.isBehindPooler;
}

/** Runs `work` on a new connection that is not set up yet. The pool may have none left. */
export async function withOwnSession<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session({ idleInTransaction: 0, ...pool.options });
  // An error of the connection fails the query too.
  session.on('error', () => undefined);
  try {
    await session.connect();
    return await work(session);
  } finally {
    // The end is not awaited: a dead connection would never end.
    void session.end().catch(() => undefined);
  }
}
