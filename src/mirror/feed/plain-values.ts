import type pg from 'pg';
import type { StateStore } from '../state/store.ts';
import { qualifiedName } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { LETTERS } from './dead-letters.ts';
import { LOGGED_CHANGES } from './log-functions.ts';
import { writeMarker, type FeedWish } from './log-triggers.ts';

/**
 * Removes values that must not be kept in the clear any more: all changes of the table from the change log, and the
 * columns from its changes in dead letters. A marker stands for the removed changes, so consumers take the table as it
 * is now.
 *
 * @param columns their names, unquoted.
 * @param feed if the change log is on, its preparation has written the marker already.
 */
export async function dropFromLog(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
  columns: readonly string[],
  feed: FeedWish = 'off',
): Promise<void> {
  if (columns.length === 0) return;
  const { environmentId } = store;
  const table = mirror.table.logicalName;
  const { rowCount } = await client.query(
    `DELETE FROM ${qualifiedName(store.schema, LOGGED_CHANGES)}
      WHERE environment_id = $1 AND table_name = $2 AND operation <> 'b'`,
    [environmentId, table],
  );
  if ((rowCount ?? 0) > 0 && feed === 'off') await writeMarker(client, store, mirror);
  await client.query(
    `UPDATE ${qualifiedName(store.schema, LETTERS)} d
        SET changes = (SELECT jsonb_agg(CASE WHEN e.c ->> 'table' = $2 THEN e.c || jsonb_build_object('before', ${lacking('before')}, 'after', ${lacking('after')}) ELSE e.c END ORDER BY e.at)
                         FROM jsonb_array_elements(d.changes) WITH ORDINALITY AS e (c, at))
      WHERE d.environment_id = $1 AND d.changes @> jsonb_build_array(jsonb_build_object('table', $2::text))`,
    [environmentId, table, columns],
  );
}

/** SQL: a member of the change `e.c` without the columns in $3. */
function lacking(member: string): string {
  const row = `e.c -> '${member}'`;
  return `CASE jsonb_typeof(${row}) WHEN 'object' THEN (${row}) - $3::text[] ELSE ${row} END`;
}
