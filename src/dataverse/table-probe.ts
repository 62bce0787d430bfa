import type { Table } from '../model/table.ts';
import { createChangeFeed } from './change-feed.ts';
import type { Dataverse } from './dataverse.ts';
import { Failure } from '../model/failure.ts';

/**
 * Asks for one row's key under change tracking: the cheapest request that needs the table, its change
 * tracking and the privilege to read it.
 *
 * @throws Failure for what is missing.
 */
export async function probeTable(dataverse: Dataverse, table: Table, signal: AbortSignal): Promise<void> {
  const keyOnly = { ...table, columns: table.columns.filter((column) => column.name === table.key) };
  await createChangeFeed(dataverse.client, keyOnly, 1).begin(signal);
  // Where tracking is off an environment may answer with rows and a next link as if nothing were
  // wrong, and only the last page lacks its delta link. An intersect table's own flag may be off
  // although it is tracked through both its sides.
  const definitions = await dataverse.metadata.tables(signal);
  const definition = definitions.find(({ LogicalName }) => LogicalName === table.logicalName);
  if (definition?.ChangeTrackingEnabled === false && definition.IsIntersect !== true) {
    throw new Failure({
      code: 'change-tracking-off',
      reaction: 'stop-table',
      message: `Change tracking is off for table ${table.logicalName}.`,
      remedy:
        'Turn on "Track changes" in the table\'s advanced options in Power Apps and publish, or take it out of tables.',
      details: { table: table.logicalName },
    });
  }
}
