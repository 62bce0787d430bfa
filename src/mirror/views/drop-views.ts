import type pg from 'pg';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import { lockViews } from './apply-views.ts';
import { VIEWS } from '../labels/label-tables.ts';
import {
  dependentsOf,
  findViews,
  ownViews,
  recordView,
  type Dependent,
  type OwnView,
} from './view-catalog.ts';
import { readGrants } from './view-grants.ts';

export interface DropOptions {
  /** Schema of the mirror tables. */
  readonly schema: string;
  /** Logical name. */
  readonly table: string;
  /** Names in PostgreSQL of the columns that are about to change; absent, all columns. */
  readonly columns?: readonly string[];
}

export interface DroppedViews {
  /** Schema and name of our views that were dropped. */
  readonly dropped: readonly string[];
  /**
   * Schema and name of what others built on the mirror table's columns or on our views. Where there is any,
   * nothing is dropped, because the change of the columns would fail all the same.
   */
  readonly foreign: readonly string[];
}

/**
 * Drops our views that use columns of a mirror table, inside the transaction that is about to change the
 * columns: the table's own view, and the views of tables whose lookups show its names. Their options and
 * privileges are recorded, and `refreshViews` of the table makes them again.
 *
 * @param client has set how long to wait for a lock, because readers wait from the first drop on.
 */
export async function dropViews(client: pg.ClientBase, options: DropOptions): Promise<DroppedViews> {
  const { schema } = options;
  if ((await relationOid(client, schema, VIEWS)) !== undefined) await lockViews(client);
  const { own, foreign } = await viewsOf(client, options);
  if (foreign.length > 0) return { dropped: [], foreign };

  const dropped: string[] = [];
  for (const [oid, view] of own) {
    const found = (await findViews(client, view.schema, [view.name])).get(view.name);
    const grants = await readGrants(client, oid);
    const had = { fingerprint: null, options: found?.options ?? [], grants };
    await recordView(client, schema, view.schema, { name: view.name, ...had });
    await client.query(`DROP VIEW ${qualifiedName(view.schema, view.name)}`);
    dropped.push(`${view.schema}.${view.name}`);
  }
  return { dropped, foreign: [] };
}

/** What uses a mirror table's columns, or our views of them: our views by oid, and all else by name. */
export async function viewsOf(
  client: pg.ClientBase,
  { schema, table, columns }: DropOptions,
): Promise<{ readonly own: ReadonlyMap<string, OwnView>; readonly foreign: readonly string[] }> {
  const mirror = await relationOid(client, schema, shortenIdentifier(table));
  if (mirror === undefined) return { own: new Map(), foreign: [] };
  const recorded = (await relationOid(client, schema, VIEWS)) !== undefined;
  const ours = recorded ? await ownViews(client, schema) : new Map<string, OwnView>();
  const isOwn = ({ oid }: Dependent): boolean => oid !== null && ours.has(oid);

  const ofColumns = (await dependentsOf(client, [mirror], columns)).get(mirror) ?? [];
  const oids = new Set(ofColumns.filter(isOwn).flatMap(({ oid }) => oid ?? []));
  const ofViews = [...(await dependentsOf(client, [...oids])).values()].flat();
  const foreign = new Set([...ofColumns, ...ofViews].filter((each) => !isOwn(each)).map(({ name }) => name));
  const own = new Map([...ours].filter(([oid]) => oids.has(oid)));
  return { own, foreign: [...foreign].toSorted() };
}

async function relationOid(client: pg.ClientBase, schema: string, name: string): Promise<string | undefined> {
  const { rows } = await client.query<{ oid: string }>(
    `SELECT c.oid::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`,
    [schema, name],
  );
  return rows[0]?.oid;
}
