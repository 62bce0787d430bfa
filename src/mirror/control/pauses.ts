import { readableTime } from '../../model/readable-figures.ts';
import type { SQL } from 'drizzle-orm';
import { Failure } from '../../model/failure.ts';
import { and, eq, isNotNull, or, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import { safeEnd } from './control-functions.ts';
import { passedOnNudge } from './passed-on-nudge.ts';

/** A pause that a person asked for and that goes on. */
export interface Pause {
  readonly since: Date;
  /** When the pause ends by itself; null where only a person ends it. */
  readonly until: Date | null;
  readonly reason: string | null;
}

/** SQL: whether a person has stopped a table, by the database's clock. */
export function isPaused({ tables: { tables } }: StateStore): SQL<boolean> {
  return sql<boolean>`(${tables.pausedAt} IS NOT NULL AND (${tables.pausedUntil} > clock_timestamp()) IS NOT FALSE)`;
}

/** SQL: a request for a new baseline, in a form that compares exactly; null where none waits. */
export function resyncRequest({ tables: { tables } }: StateStore): SQL<string | null> {
  return sql<string | null>`${tables.resyncAskedAt}::text`;
}

/** What people ask of a table, as a run meets it. */
export interface Wishes {
  readonly isPaused: boolean;
  readonly pausedUntil: Date | null;
  readonly pausedReason: string | null;
  /** The request for a new baseline that waits. */
  readonly resync: string | null;
}

/** The columns that tell what people ask of a table. */
export function wishColumns(store: StateStore) {
  const { pausedUntil, pausedReason } = store.tables.tables;
  return { isPaused: isPaused(store), pausedUntil, pausedReason, resync: resyncRequest(store) };
}

/** What people ask of a table, and the last nudge that another process has passed on to the one that mirrors it. */
export interface TableWishes extends Wishes {
  readonly table: string;
  /** In a form that compares exactly; null where none came lately. */
  readonly nudge: string | null;
}

/**
 * Reads what people ask of the tables of the environment, and the nudges that other processes have passed on. A table
 * that nobody asks anything of is left out.
 *
 * @throws Failure
 */
export async function readWishes(store: StateStore): Promise<TableWishes[]> {
  const { tables, nudges } = store.tables;
  const nudge = passedOnNudge(store);
  const isAsked = or(isPaused(store), isNotNull(tables.resyncAskedAt), isNotNull(nudge));
  const isOfTable = and(eq(nudges.environmentId, tables.environmentId), eq(nudges.table, tables.table));
  return store.statement(async (db) =>
    db
      .select({ table: tables.table, ...wishColumns(store), nudge })
      .from(tables)
      .leftJoin(nudges, isOfTable)
      .where(and(eq(tables.environmentId, store.environmentId), isAsked)),
  );
}

/** Reads what people ask of one table; undefined for a table without state. @throws Failure */
export async function readWishesOf(store: StateStore, table: string): Promise<Wishes | undefined> {
  const { tables } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select(wishColumns(store))
      .from(tables)
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
  return row;
}

/**
 * SQL: the end of a pause once a load has brought the first delta link. A person may have paused the table during the
 * load, when it had no link to lose.
 */
export function endWithLink({ schema, tables: { tables } }: StateStore): SQL {
  const end = sql.raw(safeEnd(schema, { following: 'true', issuedAt: 'now()' }));
  return sql`CASE WHEN ${tables.pausedAt} IS NOT NULL AND ${tables.pausedUntil} IS NULL THEN ${end} ELSE ${tables.pausedUntil} END`;
}

/** The failure of work on a table that a person has paused. */
export function tablePaused(table: string, { pausedUntil, pausedReason }: Wishes): Failure {
  const until = pausedUntil === null ? '' : ` until ${readableTime(pausedUntil)}`;
  const why = pausedReason === null ? '' : ` (${pausedReason})`;
  return new Failure({
    code: 'table-paused',
    message: `Table ${table} is paused${until}${why}.`,
    remedy: `\`mirrorverse resume ${table}\` lets it go on.`,
    details: { table },
  });
}
