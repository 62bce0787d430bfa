import { createHash } from 'node:crypto';
import type { StateStore } from './store.ts';
import { and, eq, lt, sql } from '../drizzle.ts';

/** What a configuration says about a table, as far as it decides what is stored: plain values by key. */
export type TableSettingsSeen = Readonly<Record<string, unknown>>;

/** Tells settings from other ones. */
export function fingerprintOf(settings: TableSettingsSeen): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
}

/** Another process mirrors the table with other settings, so the two undo each other's work. */
export interface SettingsConflict {
  /** The other process, as leases name processes. */
  readonly holder: string;
  readonly there: TableSettingsSeen;
  /** The differences, as `deletes: "soft" there, "hard" here`. */
  readonly differences: readonly string[];
  /** This process has prepared the table before the other one did, so both are at work now. */
  readonly isCertain: boolean;
}

/**
 * Records the settings that a mirror table is prepared with, and finds out whether they came back. Two
 * processes of different settings prepare a table in turns: these settings, then others, then these again. A
 * configuration that was changed does not come back.
 *
 * @param holder the process, by its name to the leases.
 */
export async function recordSettings(
  store: StateStore,
  table: string,
  settings: TableSettingsSeen,
  holder: string,
): Promise<SettingsConflict | null> {
  const { settings: seen } = store.tables;
  const { environmentId } = store;
  const fingerprint = fingerprintOf(settings);
  const ofTable = and(eq(seen.environmentId, environmentId), eq(seen.table, table));
  await store.db.delete(seen).where(and(ofTable, lt(seen.seenAt, sql`clock_timestamp() - interval '1 day'`)));
  const known = await store.db.select().from(seen).where(ofTable);
  const mine = known.find((row) => row.fingerprint === fingerprint);
  // One process may get other settings and then the former ones again. That is no conflict with itself.
  const isOther = (row: (typeof known)[number]): boolean =>
    row.fingerprint !== fingerprint && row.holder !== holder;
  const other = known
    .filter((row) => mine !== undefined && isOther(row) && row.seenAt > mine.seenAt)
    .toSorted((a, b) => b.seenAt.getTime() - a.seenAt.getTime())[0];
  const now = sql`clock_timestamp()`;
  const values = { settings: JSON.stringify(settings), holder, seenAt: now };
  await store.db
    .insert(seen)
    .values({ environmentId, table, fingerprint, ...values })
    .onConflictDoUpdate({
      target: [seen.environmentId, seen.table, seen.fingerprint],
      set: { ...values, returnedAt: other === undefined ? null : now },
    });
  if (mine === undefined || other === undefined) return null;
  const there = parsed(other.settings);
  return {
    holder: other.holder,
    there,
    differences: differencesOf(settings, there),
    isCertain: mine.holder === holder,
  };
}

/** A table that processes of different settings have prepared in turns. */
export interface ContestedTable {
  readonly table: string;
  /** The process that prepared the table last, and the other one. */
  readonly holders: readonly [string, string];
  /** The differences, from the view of the process that came last. */
  readonly differences: readonly string[];
}

/** Finds the tables that processes of different settings prepared in turns within the last hour. @throws Failure */
export async function readContestedTables(store: StateStore): Promise<ContestedTable[]> {
  const { settings: seen } = store.tables;
  const rows = await store.transaction(async ({ db }) =>
    db
      .select({
        table: seen.table,
        settings: seen.settings,
        holder: seen.holder,
        returned: sql<boolean>`coalesce(${seen.returnedAt} > clock_timestamp() - interval '1 hour', false)`,
      })
      .from(seen)
      .where(eq(seen.environmentId, store.environmentId))
      .orderBy(seen.table, sql`${seen.seenAt} DESC`),
  );
  const contested = [...new Set(rows.map(({ table }) => table))];
  return contested.flatMap((table) => {
    const ofTable = rows.filter((row) => row.table === table);
    const here = ofTable.find(({ returned }) => returned);
    const there = ofTable.find((row) => row !== here);
    if (here === undefined || there === undefined) return [];
    const differences = differencesOf(parsed(here.settings), parsed(there.settings));
    return [{ table, holders: [here.holder, there.holder] as const, differences }];
  });
}

function parsed(settings: string): TableSettingsSeen {
  return JSON.parse(settings) as TableSettingsSeen;
}

function differencesOf(here: TableSettingsSeen, there: TableSettingsSeen): string[] {
  const keys = [...new Set([...Object.keys(here), ...Object.keys(there)])];
  return keys.flatMap((key) => {
    const [a, b] = [JSON.stringify(here[key] ?? null), JSON.stringify(there[key] ?? null)];
    return a === b ? [] : [`${key}: ${b} there, ${a} here`];
  });
}
