import { createHash } from 'node:crypto';
import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { cellText, type PageRows } from '../../model/page.ts';
import { qualifiedName } from '../table/identifier.ts';
import { newerRows } from '../page/merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { keyText, parseKey, rowKey, rowVersion } from '../page/row-key.ts';
import type { StateStore } from '../state/store.ts';
import { and, eq, getTableColumns, isNull, sql } from '../drizzle.ts';

/** A row that could not be stored, and why. */
export interface QuarantinedRow {
  /** The whole key as text, see `keyText`. A row without a key has words that say so, and a hash. */
  readonly key: string;
  readonly version: bigint | null;
  readonly reason: string;
  readonly sqlstate: string | null;
}

/** A row of a page, as quarantine records it. A row without a key is known by a hash of its values. */
export function quarantined(
  mirror: MirrorTable,
  page: PageRows,
  row: number,
  reason: string,
  sqlstate: string | null,
): QuarantinedRow {
  return {
    key: rowKey(mirror, page, row) ?? `without a key, ${fingerprint(page, row)}`,
    version: rowVersion(mirror, page, row),
    reason,
    sqlstate,
  };
}

/** Tells one row without a key from another, and is the same each time the row comes. */
function fingerprint(page: PageRows, row: number): string {
  const hash = createHash('sha256');
  for (let field = 0; field < page.width; field++) hash.update(`${cellText(page, row, field)}\t`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Records rows, except those that the mirror already has in a newer version. Of several refusals of a row the newest
 * version stays; of one version, the last refusal. A dismissed row stays dismissed in the version that it had.
 *
 * @returns how many of the rows are dismissed.
 */
export async function quarantineRows(
  store: StateStore,
  client: pg.PoolClient,
  mirror: MirrorTable,
  rows: readonly QuarantinedRow[],
): Promise<number> {
  const outdated = await outdatedRows(client, mirror, rows);
  // One statement cannot write an entry twice, and two rows without a key may be alike.
  const entries = new Map(rows.filter(({ key }) => !outdated.has(key)).map((row) => [row.key, row]));
  if (entries.size === 0) return 0;
  const { quarantine } = store.tables;
  const { environmentId } = store;
  const table = mirror.table.logicalName;
  const recorded = await store
    .on(client)
    .db.insert(quarantine)
    .values([...entries.values()].map((row) => ({ environmentId, table, ...row })))
    .onConflictDoUpdate({
      target: [quarantine.environmentId, quarantine.table, quarantine.key],
      set: {
        version: sql`excluded.version`,
        reason: sql`excluded.reason`,
        sqlstate: sql`excluded.sqlstate`,
        time: sql`now()`,
        // Without a version, only the reason tells whether it is the same trouble.
        dismissedAt: sql`CASE WHEN ${quarantine.version} = excluded.version
            OR (${quarantine.version} IS NULL AND excluded.version IS NULL AND ${quarantine.reason} = excluded.reason)
          THEN ${quarantine.dismissedAt} END`,
      },
      setWhere: sql`(${quarantine.version} <= excluded.version) IS NOT FALSE`,
    })
    .returning({ dismissedAt: quarantine.dismissedAt });
  // A missing entry exists in a newer version, or a trigger or rule of somebody keeps it out.
  if (recorded.length < entries.size) await assertQuarantined(store, client, table, [...entries.keys()]);
  return recorded.filter(({ dismissedAt }) => dismissedAt !== null).length;
}

/**
 * Checks that rows are in quarantine. A row that is neither there nor in the mirror table would be lost silently.
 *
 * @throws Failure `rows-swallowed`
 */
async function assertQuarantined(
  store: StateStore,
  client: pg.PoolClient,
  table: string,
  keys: readonly string[],
): Promise<void> {
  const { quarantine } = store.tables;
  const isOfTable = and(eq(quarantine.environmentId, store.environmentId), eq(quarantine.table, table));
  const found = await store
    .on(client)
    .db.$count(quarantine, and(isOfTable, sql`${quarantine.key} = ANY (${sql.param(keys)}::text[])`));
  if (found === keys.length) return;
  throw new Failure({
    code: 'rows-swallowed',
    message: `${keys.length - found} rows of table ${table} can neither be stored nor put into quarantine, because a trigger or a rule on ${qualifiedName(store.schema, 'quarantine')} drops them. Nothing of the page was committed.`,
    remedy: `Drop the trigger or rule. Table ${table} then goes on by itself.`,
    details: { table, rows: keys.length - found },
  });
}

/** Keys of the rows that the mirror has in a newer version. */
async function outdatedRows(
  client: pg.PoolClient,
  mirror: MirrorTable,
  rows: readonly QuarantinedRow[],
): Promise<ReadonlySet<string>> {
  const versioned = rows.flatMap(({ key, version }) => {
    const id = parseKey(key);
    return id === null || version === null ? [] : [{ id, version: String(version) }];
  });
  if (versioned.length === 0 || mirror.versionField === undefined) return new Set();
  const { rows: found } = await client.query<{ key: string; partition: string | null }>(newerRows(mirror), [
    versioned.map(({ id }) => id.key),
    versioned.map(({ id }) => id.partition),
    versioned.map(({ version }) => version),
  ]);
  return new Set(found.map(keyText));
}

/** A row that leaves quarantine: it was stored in a version, or is gone where the version is null. */
export interface ReleasedRow {
  readonly key: string;
  readonly version: bigint | null;
}

/** Takes rows out that were stored, or deleted at the source; an older version takes none out. */
export async function leaveQuarantine(
  store: StateStore,
  table: string,
  rows: readonly ReleasedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const { quarantine } = store.tables;
  const keys = sql.param(rows.map(({ key }) => key));
  const versions = sql.param(rows.map(({ version }) => (version === null ? null : String(version))));
  await store.db.delete(quarantine).where(
    and(
      eq(quarantine.environmentId, store.environmentId),
      eq(quarantine.table, table),
      sql`EXISTS (SELECT FROM unnest(${keys}::text[], ${versions}::bigint[]) AS r(key, version)
            WHERE r.key = ${quarantine.key} AND (${quarantine.version} <= r.version) IS NOT FALSE)`,
    ),
  );
}

/** Counts a table's rows in quarantine, without dismissed ones. @throws Failure */
export async function countQuarantined(store: StateStore, table: string): Promise<number> {
  const { quarantine } = store.tables;
  return store.statement(async (db) =>
    db.$count(
      quarantine,
      and(
        eq(quarantine.environmentId, store.environmentId),
        eq(quarantine.table, table),
        isNull(quarantine.dismissedAt),
      ),
    ),
  );
}

/** A row in quarantine, and since when it is there. */
export interface QuarantineEntry extends QuarantinedRow {
  readonly table: string;
  readonly time: Date;
  /** When a person said that nobody can mend it; null while it waits. */
  readonly dismissedAt: Date | null;
}

/**
 * Lists every row in quarantine, or those of one table, by table, time and key. Dismissed rows are among
 * them. @throws Failure
 */
export async function listQuarantined(store: StateStore, table?: string): Promise<QuarantineEntry[]> {
  const { quarantine } = store.tables;
  const { environmentId: _, ...columns } = getTableColumns(quarantine);
  return store.statement(async (db) =>
    db
      .select(columns)
      .from(quarantine)
      .where(
        and(
          eq(quarantine.environmentId, store.environmentId),
          table === undefined ? undefined : eq(quarantine.table, table),
        ),
      )
      .orderBy(quarantine.table, quarantine.time, quarantine.key),
  );
}

/** Records that nobody can mend these rows of a table. @param keys as quarantine has them. @throws Failure */
export async function dismissQuarantined(
  store: StateStore,
  table: string,
  keys: readonly string[],
): Promise<void> {
  const { quarantine } = store.tables;
  await store.statement(async (db) =>
    db
      .update(quarantine)
      .set({ dismissedAt: sql`clock_timestamp()` })
      .where(
        and(
          eq(quarantine.environmentId, store.environmentId),
          eq(quarantine.table, table),
          sql`${quarantine.key} = ANY (${sql.param(keys)}::text[])`,
          isNull(quarantine.dismissedAt),
        ),
      ),
  );
}

/**
 * Empties the table's quarantine at the start of a load, which reads every row again. Dismissed rows stay,
 * because the same row may come again.
 */
export async function clearQuarantine(store: StateStore, table: string): Promise<void> {
  const { quarantine } = store.tables;
  await store.db
    .delete(quarantine)
    .where(
      and(
        eq(quarantine.environmentId, store.environmentId),
        eq(quarantine.table, table),
        isNull(quarantine.dismissedAt),
      ),
    );
}
