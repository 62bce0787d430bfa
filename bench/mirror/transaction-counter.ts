import { Client, type Pool } from 'pg';

/** What the database has done so far, by its own counts. */
export interface DatabaseWork {
  readonly transactions: number;
  /** Where its write-ahead log ends, bytes. */
  readonly wal: number;
}

export interface TransactionCounter {
  read(): Promise<DatabaseWork>;
  close(): Promise<void>;
}

/**
 * Counts the committed transactions of the whole database. A connection adds its own to the statistics
 * only now and then, so each connection of `pool` is told to before they are read.
 */
export async function openTransactionCounter(url: string, pool: Pool): Promise<TransactionCounter> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const flush = 'SELECT pg_stat_force_next_flush()';
  return {
    async read() {
      const connections = await Promise.all(
        Array.from({ length: pool.totalCount }, async () => pool.connect()),
      );
      for (const connection of connections) await connection.query(flush);
      for (const connection of connections) connection.release();
      await client.query(flush);
      const { rows } = await client.query<{ transactions: string; wal: string }>(
        `SELECT xact_commit AS transactions, pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal
           FROM pg_stat_database WHERE datname = current_database()`,
      );
      return { transactions: Number(rows[0]?.transactions), wal: Number(rows[0]?.wal) };
    },
    close: async () => client.end(),
  };
}
