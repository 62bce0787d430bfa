import type pg from 'pg';
import type { TableLabels } from '../../model/option-labels.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import { MIRRORED_AT } from '../table/mirror-table.ts';
import { labelRows } from './label-rows.ts';
import { createLabelTables, LABEL_KINDS, LABEL_TABLES, type LabelTable } from './label-tables.ts';

/**
 * Makes the stored labels of one table equal to `labels`, inside the caller's transaction, and returns how many rows
 * that took. Equal rows are not touched, and missing ones are deleted. It creates the tables where they do not exist.
 */
export async function writeLabels(
  client: pg.ClientBase,
  schema: string,
  labels: TableLabels,
  isDistributed = false,
): Promise<number> {
  await createLabelTables(client, schema, isDistributed);
  const rows = labelRows(labels);
  let changed = 0;
  for (const holds of LABEL_KINDS) {
    const { rows: counted } = await client.query<{ changed: number }>(
      writeRows(schema, LABEL_TABLES[holds]),
      [labels.table, JSON.stringify(rows[holds])],
    );
    changed += counted[0]?.changed ?? 0;
  }
  return changed;
}

/**
 * One statement with constant text: $1 is the Dataverse table, $2 its rows as JSON. Rows are compared first,
 * because ON CONFLICT locks every row that it meets, which is a write.
 */
function writeRows(schema: string, table: LabelTable): string {
  const qualified = qualifiedName(schema, table.name);
  const names = table.columns.map(([name]) => quoteIdentifier(name));
  const key = names.slice(0, table.key);
  const list = names.join(', ');
  const shape = table.columns.map(([name, type]) => `${quoteIdentifier(name)} ${type}`);
  const same = key.map((name) => `w.${name} = t.${name}`).join(' AND ');
  const update = names.slice(table.key).map((name) => `${name} = excluded.${name}`);
  return `
    WITH wanted AS MATERIALIZED (SELECT * FROM json_to_recordset($2) AS r (${shape.join(', ')})),
    gone AS (
      DELETE FROM ${qualified} t
       WHERE t.table_name = $1 AND NOT EXISTS (SELECT FROM wanted w WHERE ${same}) RETURNING 1),
    written AS (
      INSERT INTO ${qualified} (${list})
      SELECT ${list} FROM wanted EXCEPT SELECT ${list} FROM ${qualified} WHERE table_name = $1
      ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${[...update, `${quoteIdentifier(MIRRORED_AT)} = now()`].join(', ')}
      RETURNING 1)
    SELECT ((SELECT count(*) FROM gone) + (SELECT count(*) FROM written))::int AS changed`;
}
