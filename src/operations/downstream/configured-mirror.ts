import { readMirroredTables, type MirroredTable } from '../../mirror/downstream/mirrored-tables.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readKnownTables } from '../../mirror/state/known-tables.ts';
import { Failure } from '../../model/failure.ts';
import { knownResolution } from '../../sync/tables/read-resolution.ts';
import type { ResolvedTable, TableChoice, TableEntry } from '../../sync/tables/table-resolution.ts';

/** A configured table with its mirror table. */
export interface ConfiguredTable<T extends TableEntry> extends MirroredTable {
  readonly entry: ResolvedTable<T>;
}

/** The part of the configuration that the database has by now. */
export interface ConfiguredMirror<T extends TableEntry> {
  /** Name of the database. */
  readonly database: string;
  readonly tables: readonly ConfiguredTable<T>[];
  /** Configured tables, by name, that have no mirror table yet. */
  readonly missing: readonly string[];
}

/**
 * Reads the mirror tables of the configured tables, from the database alone. Patterns mean the tables that were
 * mirrored before.
 *
 * @throws Failure
 */
export async function readConfiguredMirror<T extends TableEntry>(
  database: MirrorDatabase,
  choice: TableChoice<T>,
): Promise<ConfiguredMirror<T>> {
  const state = await findState(database);
  const known = state === undefined ? [] : await readKnownTables(state.store);
  const there = known.flatMap(({ table, errorCode }) => (errorCode === 'table-removed' ? [] : [table]));
  const { tables: entries } = knownResolution(choice, there);
  const names = entries.map(({ name }) => name);
  const found =
    state === undefined
      ? { database: '', tables: [] }
      : await readMirroredTables(database, state.store, names);
  const tables = found.tables.flatMap((table) => {
    const entry = entries.find(({ name }) => name === table.table);
    return entry === undefined ? [] : [{ ...table, entry }];
  });
  const mirrored = new Set(tables.map(({ table }) => table));
  return { database: found.database, tables, missing: names.filter((name) => !mirrored.has(name)) };
}

/** @throws Failure `table-not-known` if there is nothing that others could read. */
export function assertSomeMirrored(tables: readonly MirroredTable[], schema: string): void {
  if (tables.length > 0) return;
  throw new Failure({
    code: 'table-not-known',
    message: `Schema ${schema} has no mirror table of a configured table yet.`,
    remedy: 'Run `mirrorverse sync` first.',
  });
}
