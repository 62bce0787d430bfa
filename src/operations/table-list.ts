import type { Dataverse } from '../dataverse/dataverse.ts';
import { nameOfOdd } from '../dataverse/metadata/odd-definitions.ts';
import { readRecordCounts } from '../dataverse/feed/record-count.ts';
import type { Resolution, TableEntry } from '../sync/tables/table-resolution.ts';

/** An entry of the document of `tables --json`. Members may be added; these stay. */
export interface ListedTable {
  readonly table: string;
  readonly entitySet: string | null;
  readonly changeTracking: boolean;
  /** Whether the configuration names the table, exactly or by a pattern. */
  readonly mirrored: boolean;
  /** How the table is mirrored; null if it is not mirrored. */
  readonly mode: TableEntry['mode'] | null;
  /** Why the table is not mirrored although a pattern fits; null if it is mirrored, or if no pattern fits. */
  readonly excluded: string | null;
  /** By a count of the environment that may be a day old; null if the environment does not count the table. */
  readonly rows: number | null;
}

/** Every table of the environment, by name. @throws Failure */
export async function listTables(
  dataverse: Dataverse,
  resolution: Resolution<TableEntry>,
  signal: AbortSignal,
): Promise<ListedTable[]> {
  const definitions = await dataverse.metadata.tables(signal);
  const countable = definitions
    .filter((table) => table.EntitySetName && table.TableType !== 'Virtual')
    .map((table) => table.LogicalName);
  const counts = await readRecordCounts(dataverse.client, countable, signal);
  const modes = new Map(resolution.tables.map(({ name, mode }) => [name, mode]));
  // A table with an odd definition cannot be mirrored, but the environment has it, so it is listed.
  const odd = (await dataverse.metadata.oddTables(signal)).map((item): ListedTable => ({
    table: item.name ?? `(${nameOfOdd(item)})`,
    entitySet: null,
    changeTracking: false,
    mirrored: item.name !== null && modes.has(item.name),
    mode: null,
    excluded: `its definition is odd: ${item.reason}`,
    rows: null,
  }));
  const listed = new Set(definitions.map(({ LogicalName }) => LogicalName));
  return definitions
    .map(
      ({ LogicalName: table, EntitySetName: entitySet, ChangeTrackingEnabled: isTracked }): ListedTable => ({
        table,
        entitySet: entitySet ?? null,
        changeTracking: isTracked === true,
        mirrored: modes.has(table),
        mode: modes.get(table) ?? null,
        excluded: resolution.excluded.get(table) ?? null,
        rows: counts.get(table) ?? null,
      }),
    )
    .concat(odd.filter(({ table }) => !listed.has(table)))
    .toSorted((a, b) => a.table.localeCompare(b.table));
}
