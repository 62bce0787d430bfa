import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';

/** The database that everything is measured on. */
export interface Workbench {
  readonly url: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Empties the database: no mirror, no state, no floor. */
  clear(): Promise<void>;
  /** Has what earlier work left to be done be done now. */
  settle(): Promise<void>;
  /** Stops the database and removes it; further calls wait for the first. */
  close(): Promise<void>;
}

const SETTINGS = {
  // No checkpoint cuts a measurement: when one comes is a matter of chance.
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  shared_buffers: '512MB',
  // A thousand tables and their views are dropped at once.
  max_locks_per_transaction: '256',
};

/** What is measured against, apart from what the mirror makes. */
export const FLOOR_SCHEMA = 'floor';
const SCHEMAS = ['dataverse', 'dataverse_labeled', 'mirrorverse', FLOOR_SCHEMA];

export async function openWorkbench(): Promise<Workbench> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorverse-bench-'));
  const postgres = await openEmbeddedPostgres({ directory: join(directory, 'postgres'), settings: SETTINGS });
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const query = async (sql: string): Promise<Record<string, unknown>[]> =>
    (await client.query<Record<string, unknown>>(sql)).rows;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await client.end();
    await postgres.release();
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    url: postgres.url,
    query,
    async clear() {
      for (const schema of SCHEMAS) await query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await query(`CREATE SCHEMA ${FLOOR_SCHEMA}`);
    },
    async settle() {
      // With the statistics that autovacuum would have gathered in the meantime.
      await query('VACUUM (ANALYZE)');
      await query('CHECKPOINT');
    },
    async close() {
      closing ??= close();
      return closing;
    },
  };
}
