import type pg from 'pg';
import { Failure, toFailure } from '../model/failure.ts';
import { assertCitus } from './citus/citus-statements.ts';
import { openPool, PostgresConnection, transaction } from './connection/postgres.ts';
import type { Logger } from 'pino';
import { unfitEngine } from './connection/server-engine.ts';
import { isBehindPooler, type TokenPassword } from './connection/session.ts';
import { sleep } from '../timing/sleep.ts';
import { readRowFilters, type RowFilter } from './page/swallowed-rows.ts';
import { type MissingGrant, missingGrants, serverVersion } from './connection/grants.ts';

/** The PostgreSQL database that holds a mirror, or will hold one. */
export interface MirrorDatabase {
  readonly pool: pg.Pool;
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly stateSchema: string;
}

export interface OpenedDatabase extends MirrorDatabase {
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** The file that has `url`, for passwords that are replaced while the process runs. */
  readonly urlFile?: string | undefined;
  readonly schema: string;
  readonly stateSchema: string;
  readonly connections: number;
  /** Milliseconds. */
  readonly leaseDuration: number;
  /** Gives the password; absent, the password of the address counts. */
  readonly tokens?: TokenPassword | undefined;
}

/** Opens a pool for the daemon's work. The transactions of a process that stands still end with its lease. */
export function openMirrorDatabase(options: DatabaseOptions, logger: Logger): OpenedDatabase {
  const { url, urlFile, schema, stateSchema, connections, leaseDuration, tokens } = options;
  const pool = openPool({ url, urlFile, connections, idleInTransaction: leaseDuration, tokens }, logger);
  return { pool, schema, stateSchema, close: async () => pool.end() };
}

/** A pool whose first connection is under way. */
export interface DatabaseAhead extends OpenedDatabase {
  /** Resolves once the connection is made (undefined), or could not be made (why). It never rejects. */
  readonly settled: Promise<Failure | undefined>;
}

/** Opens a pool, and begins to connect at once, while the caller still loads what it needs. */
export function openMirrorDatabaseAhead(options: DatabaseOptions, logger: Logger): DatabaseAhead {
  const opened = openMirrorDatabase(options, logger);
  let isSettled = false;
  const settled = PostgresConnection.take(opened.pool)
    .then(
      (connection) => {
        connection.release();
        return undefined;
      },
      (error: unknown) => toFailure(error),
    )
    .finally(() => (isSettled = true));
  const close = async (): Promise<void> => {
    const closed = opened.close();
    // A server that does not answer keeps nobody from leaving.
    if (isSettled) await closed;
    else void closed.catch(() => undefined);
  };
  return { ...opened, settled, close };
}

/** Whether the database can be reached and lets us in. */
export async function isReachable({ pool }: MirrorDatabase): Promise<boolean> {
  return transaction(pool, async () => true).catch(() => false);
}

/** Milliseconds between two questions to a database that was away. */
const BEAT = 5_000;

/**
 * Waits until the database lets us in and lets us write, for so many milliseconds at most.
 *
 * @throws the signal's reason when aborted.
 */
export async function untilUsable(
  { pool }: MirrorDatabase,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const left = deadline - performance.now();
    if (left <= 0) return;
    await sleep(Math.min(BEAT, left), signal);
    if (await isUsable(pool)) return;
  }
}

async function isUsable(pool: pg.Pool): Promise<boolean> {
  const text = `SELECT current_setting('transaction_read_only') = 'off' AS writes`;
  return transaction(pool, async (client) => {
    const { rows } = await client.query<{ writes: boolean }>(text);
    return rows[0]?.writes === true;
  }).catch(() => false);
}

/** What a run needs of a database. */
export interface DatabaseFacts {
  /** The server's major version. */
  readonly version: number;
  /** A connection pooler stands between us and the server. */
  readonly isBehindPooler: boolean;
  readonly missingGrants: readonly MissingGrant[];
  /** Triggers, rules and policies of others on tables of the mirror and of the state. */
  readonly rowFilters: readonly RowFilter[];
  /** Why the database cannot hold every character; null where it can. */
  readonly encoding: Failure | null;
  /** Why the mirror tables cannot be distributed; null where they can. */
  readonly distribution: Failure | null;
}

/** Reads what a run needs of the database. @param moreSchemas schemas of views and histories. @throws Failure */
export async function readDatabaseFacts(
  { pool, schema, stateSchema }: MirrorDatabase,
  moreSchemas: readonly string[],
): Promise<DatabaseFacts> {
  const encoding = await assertServer(pool).then(
    () => null,
    (error: unknown) => toFailure(error),
  );
  // Another engine would refuse the questions that follow, for other reasons.
  if (encoding?.code === 'engine-unfit') throw encoding;
  return {
    version: await serverVersion(pool),
    isBehindPooler: await transaction(pool, async (client) => isBehindPooler(client)),
    missingGrants: await missingGrants(pool, [...new Set([schema, stateSchema, ...moreSchemas])]),
    rowFilters: await transaction(pool, async (client) => [
      ...(await readRowFilters(client, schema, null)),
      ...(await readRowFilters(client, stateSchema, null)),
    ]),
    encoding,
    distribution: await transaction(pool, assertCitus).then(
      () => null,
      (error: unknown) => toFailure(error),
    ),
  };
}

/**
 * Checks that the server is PostgreSQL, and that the database can hold every character of Dataverse.
 *
 * @throws Failure `engine-unfit` for another engine; `database-encoding` where the encoding is not UTF-8. Most texts
 *   would go to quarantine, or with SQL_ASCII would be bytes of an unknown encoding.
 */
export async function assertServer(pool: pg.Pool): Promise<void> {
  const server = await transaction(pool, async (client) => {
    const { rows } = await client.query<{ encoding: string; version: string }>(
      `SELECT current_setting('server_encoding') AS encoding, version() AS version`,
    );
    return rows[0];
  });
  const unfit = unfitEngine(server?.version ?? '');
  if (unfit !== undefined) throw unfit;
  const encoding = server?.encoding;
  if (encoding === 'UTF8') return;
  throw new Failure({
    code: 'database-encoding',
    message: `The database has encoding ${encoding}, which cannot hold all characters of Dataverse.`,
    details: { encoding },
  });
}
