import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { POSTGRES_TYPE } from '../table/column-sql.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral, shortenIdentifier } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';

/**
 * The statements of `postgres.distribution: citus`. Nothing else of the mirror knows the functions of Citus.
 *
 * Tables that are distributed by columns of one type are co-located by default, so mirror tables, their staging tables
 * and tables of keys meet shard by shard. (Citus documentation, create_distributed_table, colocate_with.) What the
 * mirror does and does not do on distributed tables follows from "SQL Support and Workarounds" there:
 *
 * - They have no triggers.
 * - Rows come from a staging table that is distributed too. A temporary table would be sent to the workers.
 * - TABLESAMPLE and correlated subqueries over other columns than the key work on one shard alone.
 * - UPDATE calls no volatile function.
 */

/** SQL: distributes a table by a column. @param table, @param column their names, quoted. */
export function distribute(table: string, column: string): string {
  return `SELECT create_distributed_table(${quoteLiteral(table)}, ${quoteLiteral(bare(column))})`;
}

/** SQL: puts a whole copy of a table on each node, so that each join with it is local. @param table quoted. */
export function reference(table: string): string {
  return `SELECT create_reference_table(${quoteLiteral(table)})`;
}

/** Citus takes the name of a column as a text, without quotes. */
function bare(column: string): string {
  return column.startsWith('"') ? column.slice(1, -1).replaceAll('""', '"') : column;
}

/** The staging table of a distributed mirror table, with its schema, quoted. */
export function distributedStaging(stateSchema: string, environmentId: number, table: string): string {
  return qualifiedName(stateSchema, shortenIdentifier(`stage_${environmentId}_${table}`));
}

/**
 * How the cluster must hold the mirror table. An elastic table stays on one node: its partition may be null, so the table
 * has no primary key by which Citus could tell its rows apart.
 *
 * @param environmentId undefined if there is no state yet.
 */
export function distributedMirror(
  mirror: MirrorTable,
  isWanted: boolean,
  stateSchema: string,
  environmentId = 0,
): MirrorTable {
  if (!isWanted || mirror.partitionField !== undefined) return mirror;
  const staging = distributedStaging(stateSchema, environmentId, mirror.table.logicalName);
  return { ...mirror, distributed: { staging } };
}

/** SQL: makes the staging table anew. A crash of the server may empty it, as it is empty between two transactions. */
export function createDistributedStaging(mirror: MirrorTable, name: string): string {
  const columns = mirror.columns.map(
    ({ identifier, type }) => `${quoteIdentifier(identifier)} ${POSTGRES_TYPE[type]}`,
  );
  const key = mirror.columns[mirror.keyField]?.identifier ?? '';
  return `DROP TABLE IF EXISTS ${name}; CREATE UNLOGGED TABLE ${name} (${columns.join(', ')}); ${distribute(name, quoteIdentifier(key))}`;
}

/** Makes the staging table fit the columns of the mirror table, in the transaction of its preparation. */
export async function prepareStaging(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const name = mirror.distributed?.staging;
  if (name === undefined) return;
  const { rows } = await client.query<{ columns: string }>(
    `SELECT coalesce(json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]')::text AS columns
       FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [name],
  );
  const found: unknown = JSON.parse(rows[0]?.columns ?? '[]');
  const wanted = mirror.columns.map(({ identifier, type }) => [identifier, POSTGRES_TYPE[type]]);
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    await client.query(createDistributedStaging(mirror, name));
  }
}

/** @throws Failure `citus-missing` if the database does not have the functions of Citus. */
export async function assertCitus(client: pg.ClientBase): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_proc WHERE proname IN ('create_distributed_table', 'create_reference_table')
        AND pg_function_is_visible(oid) GROUP BY () HAVING count(DISTINCT proname) = 2`,
  );
  if (rowCount !== 0) return;
  throw new Failure({
    code: 'citus-missing',
    message: 'postgres.distribution is citus, but the database does not have the extension Citus.',
  });
}
