import type pg from 'pg';
import { whyUntrusted, type FoundTable } from './load-identity.ts';
import { giveMark, marksName, readMark } from './load-marks.ts';
import { anyRow } from '../page/merge-sql.ts';
import type { MirrorTable } from './mirror-table.ts';
import { countFilled } from './partitions/filled-partitions.ts';
import { identityOfPartitions } from './partitions/partition-identity.ts';
import { readRememberedLoad, rememberTable } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { isGuarded } from './truncation-trigger.ts';

/**
 * Says why the rows in a mirror table are not the rows that its link stands for; null where they are, and
 * where no link is stored yet.
 *
 * It reads PostgreSQL's catalog and one row, and never scans the table.
 */
export async function whyRowsUntrusted(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
): Promise<string | null> {
  const remembered = await readRememberedLoad(store.on(client), mirror.table.logicalName);
  if (remembered.phase === 'new') return null;
  return whyUntrusted(remembered, await findTable(client, store, mirror));
}

/**
 * Makes the state remember the mirror table as it is now, and gives the table a mark where it has none. The
 * caller must have dealt with missing rows before: from now on the link stands for this table.
 *
 * @returns whether the table has rows.
 */
export async function rememberMirrorTable(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
): Promise<boolean> {
  const state = store.on(client);
  const table = mirror.table.logicalName;
  const found = await findTable(client, store, mirror);
  const { mark: remembered } = await readRememberedLoad(state, table);
  const mark = found.mark ?? (await giveMark(client, mirror, remembered));
  await rememberTable(state, table, { ...found, mark });
  return found.hasRows;
}

async function findTable(client: pg.PoolClient, store: StateStore, mirror: MirrorTable): Promise<FoundTable> {
  const { rows } = await client.query<
    Pick<FoundTable, 'relation' | 'file' | 'parts' | 'marks'> & pg.QueryResultRow
  >(
    `SELECT c.oid::int8::float8 AS relation, c.relfilenode::int8::float8 AS file, to_regclass($2)::oid::int8::float8 AS marks,
            ${identityOfPartitions('c.oid')} AS parts
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [mirror.qualified, marksName(mirror.schema)],
  );
  const [found] = rows;
  if (found === undefined) throw new Error(`${mirror.qualified} was there a moment ago`);
  return {
    ...found,
    // Citus reads rows of distributed tables and catalogs in separate statements.
    hasRows: ((await client.query(anyRow(mirror))).rowCount ?? 0) > 0,
    filled: found.parts === null ? null : await countFilled(client, mirror),
    mark: found.marks === null ? null : await readMark(client, mirror),
    guarded: await isGuarded(client, store, mirror),
  };
}
