import type { Client } from 'pg';

/** The superuser of the embedded cluster, and its database. */
export const CLUSTER_NAME = 'mirrorverse';

/** The connection URL of a database of the embedded cluster: ours, or the one that always exists. */
export function clusterUrl(
  port: number,
  password: string,
  database: typeof CLUSTER_NAME | 'postgres' = CLUSTER_NAME,
): string {
  return `postgres://${CLUSTER_NAME}:${password}@127.0.0.1:${port}/${database}`;
}

/** Creates our database unless it exists. */
export async function ensureDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [CLUSTER_NAME]);
  if (rowCount === 0) await client.query(`create database ${CLUSTER_NAME}`);
}
