import { createHash } from 'node:crypto';
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { cellText, type PageRows } from '../model/page.ts';
import type { MirrorTable } from './mirror-table.ts';
import type { StateStore } from './state/store.ts';

/** A row that could not be stored, and why. */
export interface QuarantinedRow {
  readonly key: string;
  readonly version: bigint | null;
  readonly reason: string;
  readonly sqlstate: string | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A row of a page as quarantine records it; one without a key goes by a hash of its values. */
export function quarantined(
  mirror: MirrorTable,
  page: PageRows,
  row: number,
  reason: string,
  sqlstate: string | null,
): QuarantinedRow {
  const key = rowKey(mirror, page, row);
  const version = mirror.versionField === undefined ? null : cellText(page, row, mirror.versionField);
  return {
    key: key ?? `without a key, ${fingerprint(page, row)}`,
    version: version !== null && /^\d{1,19}$/.test(version) ? BigInt(version) : null,
    reason,
    sqlstate,
  };
}

/** Tells one row without a key from another, the same each time it comes. */
function fingerprint(page: PageRows, row: number): string {
  const hash = createHash('sha256');
  for (let field = 0; field < page.width; field++) hash.update(`${cellText(page, row, field)}\t`);
  return hash.digest('hex').slice(0, 16);
}

/** A row's key in lower case, or null when it has none that could be one. */
export function rowKey(mirror: MirrorTable, page: PageRows, row: number): string | null {
  const key = cellText(page, row, mirror.keyField);
  return key !== null && UUID.test(key) ? key.toLowerCase() : null;
}

/** Records rows; a newer refusal of the same row replaces the older one. */
export async function quarantineRows(
  store: StateStore,
  db: NodePgDatabase,
  table: string,
  rows: readonly QuarantinedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const { quarantine } = store.tables;
  const { environmentId } = store;
  await db
    .insert(quarantine)
    .values(rows.map((row) => ({ environmentId, table, ...row })))
    .onConflictDoUpdate({
      target: [quarantine.environmentId, quarantine.table, quarantine.key],
      set: {
        version: sql`excluded.version`,
        reason: sql`excluded.reason`,
        sqlstate: sql`excluded.sqlstate`,
        time: sql`now()`,
      },
    });
}

/** Whether the table has anything in quarantine, so that a page without need does no more. */
export async function hasQuarantined(store: StateStore, db: NodePgDatabase, table: string): Promise<boolean> {
  const { quarantine } = store.tables;
  const found = await db
    .select({ key: quarantine.key })
    .from(quarantine)
    .where(and(eq(quarantine.environmentId, store.environmentId), eq(quarantine.table, table)))
    .limit(1);
  return found.length > 0;
}

/** Takes rows out that have been stored, or deleted at the source. */
export async function leaveQuarantine(
  store: StateStore,
  db: NodePgDatabase,
  table: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const { quarantine } = store.tables;
  await db
    .delete(quarantine)
    .where(
      and(
        eq(quarantine.environmentId, store.environmentId),
        eq(quarantine.table, table),
        inArray(quarantine.key, [...keys]),
      ),
    );
}

/** Forgets the table's quarantine, at the start of a load that reads every row again. */
export async function clearQuarantine(store: StateStore, db: NodePgDatabase, table: string): Promise<void> {
  const { quarantine } = store.tables;
  await db
    .delete(quarantine)
    .where(and(eq(quarantine.environmentId, store.environmentId), eq(quarantine.table, table)));
}
