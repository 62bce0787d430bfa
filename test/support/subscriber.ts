import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type QueryResultRow } from 'pg';
import { clusterPlace, type ClusterPlace } from './cluster-support.ts';

/** A server that publishes, and another one that subscribes to it. */
export interface Replication extends AsyncDisposable {
  /** Connection URL of the publishing database. */
  readonly url: string;
  readonly publisher: Side;
  readonly subscriber: Side;
  /** Makes the subscriber's table as the publisher has it now, with the same key, as docs/replication.md says. */
  copyTable(table: string): Promise<void>;
  /** Waits until a table of the subscriber has the same rows as the publisher's. @returns how many. */
  equalRows(table: string): Promise<number>;
}

export interface Side {
  query<T extends QueryResultRow = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>;
}

/** Milliseconds that the subscriber has. */
const PATIENCE = 30_000;

/** The query of docs/replication.md that writes the statements for the subscriber's tables. */
function documentedQuery(): string {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'replication.md'), 'utf8');
  return /```sql\n(SELECT format\('CREATE TABLE[^`]+)```/.exec(page)?.[1] ?? '';
}

async function rowsOf(side: Side, table: string): Promise<string[]> {
  const rows = await side.query<{ row: string }>(
    `SELECT to_jsonb(t)::text AS row FROM dataverse."${table}" t ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

export async function openReplication(): Promise<Replication> {
  const places = await Promise.all([
    clusterPlace({ wal_level: 'logical' }),
    // A subscription that failed goes on at once.
    clusterPlace({ wal_retrieve_retry_interval: '100ms' }),
  ]);
  const [source, target] = await Promise.all(places.map(async (place: ClusterPlace) => place.open()));
  if (source === undefined || target === undefined) throw new Error('no servers');
  const pools = [source, target].map(({ url }) => new Pool({ connectionString: url, max: 3 }));
  const [publisher, subscriber] = pools.map((pool): Side => {
    // The servers are stopped at the end without a word.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    return {
      query: async <T extends QueryResultRow>(sql: string, values: unknown[] = []) =>
        (await pool.query<T>(sql, values)).rows,
    };
  });
  if (publisher === undefined || subscriber === undefined) throw new Error('no pools');
  return {
    url: source.url,
    publisher,
    subscriber,
    async copyTable(table) {
      await subscriber.query('CREATE SCHEMA IF NOT EXISTS dataverse');
      const statements = await publisher.query<{ format: string }>(documentedQuery());
      const wanted = statements.filter(({ format }) => format.includes(` dataverse.${table} (`));
      if (wanted.length !== 1) throw new Error(`${wanted.length} statements make ${table}`);
      await subscriber.query(wanted[0]?.format ?? '');
    },
    async equalRows(table) {
      const deadline = performance.now() + PATIENCE;
      for (;;) {
        const [wanted, found] = await Promise.all([rowsOf(publisher, table), rowsOf(subscriber, table)]);
        if (wanted.join('\n') === found.join('\n')) return wanted.length;
        if (performance.now() > deadline) {
          throw new Error(
            `${table} has ${found.length} rows at the subscriber, not the ${wanted.length} rows`,
          );
        }
        await delay(50);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const place of places) await place[Symbol.asyncDispose]();
      await Promise.allSettled(pools.map(async (pool) => pool.end()));
    },
  };
}
