import type { Dataverse } from '../dataverse/dataverse.ts';
import { nameOfOdd } from '../dataverse/metadata/odd-definitions.ts';
import { kindOf, type TableKind } from '../dataverse/metadata/table-definition.ts';
import { readRecordCounts } from '../dataverse/feed/record-count.ts';
import { isUntrackedIntersect } from '../sync/tables/read-resolution.ts';
import { trackedTables, whyNot, type Resolution, type TableEntry } from '../sync/tables/table-resolution.ts';

/** An entry of the document of `tables --json`. Members may be added; these stay. */
export interface ListedTable {
  readonly table: string;
  readonly entitySet: string | null;
  /** `standard`, `elastic` or `virtual`; null for a table with an odd definition. */
  readonly kind: TableKind | null;
  readonly changeTracking: boolean;
  /** Whether the configuration names the table, exactly or by a pattern. */
  readonly mirrored: boolean;
  /** How the table is mirrored; null if it is not mirrored. */
  readonly mode: TableEntry['mode'] | null;
  /** Why the table is not mirrored although a pattern fits; null if it is mirrored, or if no pattern fits. */
  readonly excluded: string | null;
  /** Why the table is not mirrored, also where the configuration does not mean it; null if it is mirrored. */
  readonly whyNot: string | null;
  /** By a count of the environment that may be a day old; null if the environment does not count the table. */
  readonly rows: number | null;
}

/** The reason of a table that could be mirrored as it is. */
export const NOT_CONFIGURED = 'not configured';

/** Every table of the environment, by name. @throws Failure */
export async function listTables(
  dataverse: Dataverse,
  resolution: Resolution<TableEntry>,
  signal: AbortSignal,
): Promise<ListedTable[]> {
  const definitions = await dataverse.metadata.tables(signal);
  const countable = definitions
    .filter((table) => table.EntitySetName && kindOf(table) !== 'virtual')
    .map((table) => table.LogicalName);
  const counts = await readRecordCounts(dataverse.client, countable, signal);
  const intersections = definitions.some(isUntrackedIntersect)
    ? await dataverse.metadata.intersections(signal)
    : undefined;
  const tracked = trackedTables(definitions);
  const modes = new Map(resolution.tables.map(({ name, mode }) => [name, mode]));
  // A table with an odd definition cannot be mirrored, but the environment has it, so it is listed.
  const odd = (await dataverse.metadata.oddTables(signal)).map((item): ListedTable => ({
    table: item.name ?? `(${nameOfOdd(item)})`,
    entitySet: null,
    kind: null,
    changeTracking: false,
    mirrored: item.name !== null && modes.has(item.name),
    mode: null,
    excluded: `its definition is odd: ${item.reason}`,
    whyNot: `its definition is odd: ${item.reason}`,
    rows: null,
  }));
  const listed = new Set(definitions.map(({ LogicalName }) => LogicalName));
  return definitions
    .map((definition): ListedTable => {
      const { LogicalName: table, EntitySetName: entitySet, ChangeTrackingEnabled: isTracked } = definition;
      const mirrored = modes.has(table);
      const excluded = resolution.excluded.get(table) ?? null;
      const obstacle = whyNot(definition, 'changes', tracked, intersections);
      const notConfigured = obstacle === undefined ? NOT_CONFIGURED : `${NOT_CONFIGURED}, and ${obstacle}`;
      return {
        table,
        entitySet: entitySet ?? null,
        kind: kindOf(definition),
        changeTracking: isTracked === true,
        mirrored,
        mode: modes.get(table) ?? null,
        excluded,
        whyNot: mirrored ? null : (excluded ?? notConfigured),
        rows: counts.get(table) ?? null,
      };
    })
    .concat(odd.filter(({ table }) => !listed.has(table)))
    .toSorted((a, b) => a.table.localeCompare(b.table));
}
