import { randomUUID } from 'node:crypto';
import type { ProxySettings } from '../../dataverse/network/proxy-settings.ts';
import { removeUnused } from '../../sync/files/remove-unused.ts';
import type { FilePlace } from '../../model/files/file-place.ts';
import { eraseRow, type ErasedTraces } from '../../mirror/control/erase-row.ts';
import { erasableTable, findForgotten } from '../../mirror/control/erasable-table.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import { parseKey } from '../../mirror/page/row-key.ts';
import { readDefinition } from '../../mirror/state/definitions.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readKnownTables } from '../../mirror/state/known-tables.ts';
import { mirrorTable } from '../../mirror/table/mirror-table.ts';
import { unknownAmong } from './control-table.ts';

/** The document of `erase --json`. Members may be added; these stay. */
export interface ErasureReport {
  readonly table: string;
  readonly key: string;
  /** What was removed, by place. */
  readonly removed: ErasedTraces;
  /** Whether the mirror table still has the row. */
  readonly inMirror: boolean;
  /** Bodies of files that nothing needs any more and that are still to be removed. */
  readonly bodiesLeft: number;
}

/** Where bodies of files lie. */
export interface BodyPlaceOptions {
  readonly to: FilePlace;
  /** The proxy for a bucket. */
  readonly proxy: ProxySettings | undefined;
}

/**
 * Removes what is kept of a row: in the change log, the history, quarantine, dead letters, and among differences. A row
 * that is marked deleted leaves the mirror table too.
 *
 * @param key the id of the row; in an elastic table with a comma and its partition.
 * @param place where its files lie; undefined if that is not known here. Another process removes them then.
 * @returns `wrong-key` with what a key looks like, without effect, if the key has another form.
 * @throws Failure `table-not-known`, also for a forgotten table if the database has nothing of it any more.
 */
export async function eraseTraces(
  database: MirrorDatabase,
  table: string,
  key: string,
  place: BodyPlaceOptions | undefined,
  signal: AbortSignal,
): Promise<ErasureReport | { readonly wrongKey: string }> {
  const state = await findState(database);
  const known = state === undefined ? undefined : await readDefinition(state.store, table);
  const erasable =
    known !== undefined
      ? erasableTable(mirrorTable(known.definition, database.schema, false))
      : state && (await findForgotten(database, state.store, table));
  if (state === undefined || erasable === undefined) {
    const all = state === undefined ? [] : await readKnownTables(state.store);
    throw unknownAmong(
      table,
      all.map((each) => each.table),
    );
  }
  const id = parseKey(key);
  const isElastic = erasable.partition !== undefined;
  if (id === null || (typeof id.partition === 'string' && !isElastic && erasable.key !== undefined)) {
    return {
      wrongKey: isElastic
        ? `A key of table ${table} is the id of the row, a comma and its partition: 8e1f2c3d-0000-4000-8000-000000000001,partition.`
        : `A key of table ${table} is the id of the row, like 8e1f2c3d-0000-4000-8000-000000000001.`,
    };
  }
  const { removed, isInMirror } = await eraseRow(database, state.store, erasable, id, signal);
  const work = { ...database, store: state.store, holder: `erase/${randomUUID()}` };
  const bodiesLeft = await removeUnused(work, place, signal);
  return { table, key, removed, inMirror: isInMirror, bodiesLeft };
}
