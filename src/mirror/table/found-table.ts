import type pg from 'pg';
import { whyUntrusted, type FoundTable } from './load-identity.ts';
import { giveMark, marksName, readMark } from './load-marks.ts';
import type { MirrorTable } from './mirror-table.ts';
import { readRememberedLoad, rememberTable } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { isGuarded } from './truncation-trigger.ts';

/**
 * Why the rows that are in a mirror table are not those that the table's link stands for; null where
 * they are, and where no link is stored yet.
 *
 * It costs a few looks into PostgreSQL's catalog and at one row, never a scan.
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
 * Has the state remember the mirror table as it is now, and gives it a mark where it has none. What the
 * rows lack is to be settled before: from now on this is the table that the link stands for.
 *
 * @returns whether it has rows.
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
    Pick<FoundTable, 'relation' | 'file' | 'marks' | 'hasRows'> & pg.QueryResultRow
  >(
    `SELECT c.oid::int8::float8 AS relation, c.relfilenode::int8::float8 AS file, to_regclass($2)::oid::int8::float8 AS marks,
            EXISTS (SELECT FROM ${mirror.qualified}) AS "hasRows"
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [mirror.qualified, marksName(mirror.schema)],
  );
  const [found] = rows;
  if (found === undefined) throw new Error(`${mirror.qualified} was there a moment ago`);
  return {
    ...found,
    mark: found.marks === null ? null : await readMark(client, mirror),
    guarded: await isGuarded(client, store, mirror),
  };
}
