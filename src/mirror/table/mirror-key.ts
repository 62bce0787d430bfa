import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { uniqueKey } from './ddl-plan.ts';
import type { MirrorTable } from './mirror-table.ts';

/**
 * Makes sure of the index that tells a mirror table's rows apart, without which no row can be replaced.
 * It is not made again unasked: on a large table that takes its time, and fails where rows are there
 * twice.
 *
 * @throws Failure `key-missing` with the statement that makes it.
 */
export async function assertKey(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const { table, qualified, columns, keyField, partitionField } = mirror;
  const names = [keyField, ...(partitionField === undefined ? [] : [partitionField])]
    .map((field) => columns[field]?.identifier ?? '')
    .toSorted();
  const { rowCount } = await client.query(
    `SELECT FROM pg_index i
      WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL AND (i.indisprimary OR i.indnullsnotdistinct OR NOT $3)
        AND ARRAY(SELECT a.attname::text COLLATE "C" FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.n <= i.indnkeyatts ORDER BY 1) = $2::text[]`,
    [qualified, names, partitionField !== undefined],
  );
  if (rowCount !== 0) return;
  throw new Failure({
    code: 'key-missing',
    message: `The mirror table ${qualified} has lost the key that tells its rows apart.`,
    remedy: `Run ALTER TABLE ${qualified} ADD ${uniqueKey(mirror)}. Where that fails, for rows that are there twice for instance, drop the table: it is loaded anew by itself.`,
    details: { table: table.logicalName },
  });
}
