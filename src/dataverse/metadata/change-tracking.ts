import { createFetchQuery } from '../fetchxml/fetch-query.ts';
import { Failure } from '../../model/failure.ts';
import type { Table } from '../../model/table.ts';
import { trackingRemedy } from '../http/api-failure.ts';
import { createChangeFeed } from '../feed/change-feed.ts';
import type { Dataverse } from '../dataverse.ts';
import { explainRefusal } from '../feed/refused-columns.ts';
import { createRowReader } from '../feed/row-reader.ts';

/** Requests the key of one row without change tracking, as a snapshot does. @throws Failure */
export async function probeRows(dataverse: Dataverse, table: Table, signal: AbortSignal): Promise<void> {
  const { rows } = table;
  const keyOnly = [table.key];
  const query = rows?.kind === 'fetchxml' ? createFetchQuery(table, rows.filter) : undefined;
  const url = query?.withRows(query.first(keyOnly), 1) ?? `${table.entitySet}?$select=${table.key}`;
  const prefer = ['odata.maxpagesize=1'];
  await dataverse.client.getJson({ url, prefer, priority: 'metadata', table: table.logicalName }, signal);
}

/**
 * Requests the key of one row under change tracking: the cheapest request that needs the table, its change
 * tracking and the privilege to read it.
 *
 * @throws Failure if one of these is missing.
 */
export async function probeTracking(dataverse: Dataverse, table: Table, signal: AbortSignal): Promise<void> {
  const keyOnly = { ...table, columns: table.columns.filter((column) => column.name === table.key) };
  try {
    const page = await createChangeFeed(dataverse.client, keyOnly, 1).begin(signal);
    page.release?.();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw await withTrackingHint(dataverse, table.logicalName, error, signal);
  }
  // With tracking off, an environment may answer with rows and a next link. Only its last page would lack the
  // delta link.
  if (await isTrackingOff(dataverse, table.logicalName, signal)) throw trackingOff(table.logicalName);
}

/**
 * Requests one row with all its columns, as a run does.
 *
 * @throws Failure `column-refused` if the environment refuses one of the columns.
 */
export async function probeColumns(
  dataverse: Dataverse,
  table: Table,
  tracked: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { client } = dataverse;
  try {
    const reader = createRowReader(client, table, 1);
    const page = await reader.begin({ prefer: tracked ? ['odata.track-changes'] : [] }, signal);
    page.release?.();
  } catch (error) {
    throw await explainRefusal(client, table, tracked, error, signal);
  }
}

/**
 * Explains a missing delta link if change tracking is off: some environments answer with an error code then,
 * others only leave the link out.
 *
 * @returns Failure `change-tracking-off`, or the failure itself.
 * @throws Failure if the definition of the table cannot be read.
 */
export async function withTrackingHint(
  dataverse: Dataverse,
  table: string,
  failure: Failure,
  signal: AbortSignal,
): Promise<Failure> {
  if (failure.code !== 'delta-link-missing') return failure;
  return (await isTrackingOff(dataverse, table, signal)) ? trackingOff(table, failure) : failure;
}

/** An intersect table's own flag may be off although it is tracked through both its sides. */
async function isTrackingOff(dataverse: Dataverse, table: string, signal: AbortSignal): Promise<boolean> {
  const definitions = await dataverse.metadata.tables(signal);
  const definition = definitions.find(({ LogicalName }) => LogicalName === table);
  return definition?.ChangeTrackingEnabled === false && definition.IsIntersect !== true;
}

function trackingOff(table: string, cause?: unknown): Failure {
  return new Failure({
    code: 'change-tracking-off',
    message: `Change tracking is off for table ${table}.`,
    remedy: trackingRemedy(table),
    cause,
    details: { table },
  });
}
