import type { Dataverse } from '../dataverse/dataverse.ts';
import { readRecordCounts } from '../dataverse/record-count.ts';

/** An entry of the document that `tables --json` prints; members may be added, these stay. */
export interface TableEntry {
  readonly table: string;
  readonly entitySet: string | null;
  readonly changeTracking: boolean;
  /** It is among the configured tables. */
  readonly mirrored: boolean;
  /** From a snapshot that may be a day old; null where the environment does not count it. */
  readonly rows: number | null;
}

/** Every table of the environment, by name. @throws Failure */
export async function listTables(
  dataverse: Dataverse,
  mirrored: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<TableEntry[]> {
  const definitions = await dataverse.metadata.tables(signal);
  const countable = definitions
    .filter((table) => table.EntitySetName && table.TableType !== 'Virtual')
    .map((table) => table.LogicalName);
  const counts = await readRecordCounts(dataverse.client, countable, signal);
  return definitions
    .map((table) => ({
      table: table.LogicalName,
      entitySet: table.EntitySetName ?? null,
      changeTracking: table.ChangeTrackingEnabled === true,
      mirrored: mirrored.has(table.LogicalName),
      rows: counts.get(table.LogicalName) ?? null,
    }))
    .toSorted((a, b) => a.table.localeCompare(b.table));
}
