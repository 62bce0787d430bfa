import type { Dataverse } from '../dataverse/dataverse.ts';
import { kindOf } from '../dataverse/metadata/table-definition.ts';
import { tableNotFound } from '../dataverse/metadata/mirrorable-table.ts';
import { turnOnTracking } from '../dataverse/metadata/turn-on-tracking.ts';
import { Failure, toFailure } from '../model/failure.ts';
import { fitsPattern, isPattern } from '../model/name-pattern.ts';
import { isUntrackedIntersect } from '../sync/tables/read-resolution.ts';
import { trackedTables, whyNotTracked } from '../sync/tables/table-resolution.ts';

/** What `track` did to one table; an entry of `track --json`. */
export interface TrackOutcome {
  /** A table, or a pattern that fits no table. */
  readonly table: string;
  readonly outcome: 'on already' | 'turned on' | 'failed';
  readonly failure: Failure | null;
}

/**
 * Turns on change tracking for the named tables. A pattern means those tables whose tracking is on or can be
 * turned on. Tables are handled one after the other, because the environment publishes one at a time.
 *
 * @throws Failure if the tables cannot be listed; the signal's reason if aborted.
 */
export async function trackTables(
  dataverse: Dataverse,
  words: readonly string[],
  signal: AbortSignal,
): Promise<TrackOutcome[]> {
  const definitions = await dataverse.metadata.tables(signal);
  const named = definitions
    .filter(({ LogicalName }) => words.some((word) => fitsPattern(LogicalName, word)))
    .toSorted((a, b) => a.LogicalName.localeCompare(b.LogicalName));
  const intersections = named.some(isUntrackedIntersect)
    ? await dataverse.metadata.intersections(signal)
    : undefined;
  const tracked = trackedTables(definitions);
  const outcomes: TrackOutcome[] = [];
  const meant = new Set<string>();
  for (const definition of named) {
    const table = definition.LogicalName;
    const why = whyNotTracked(definition, tracked, intersections);
    const isPossible = kindOf(definition) !== 'virtual' && definition.CanChangeTrackingBeEnabled !== false;
    if (why !== undefined && !isPossible && !words.includes(table)) continue;
    meant.add(table);
    if (why === undefined) outcomes.push({ table, outcome: 'on already', failure: null });
    else if (!isPossible) outcomes.push(failed(table, cannotTrack(table, why)));
    else outcomes.push(await turnOn(dataverse, table, signal));
  }
  for (const word of words) {
    if ([...meant].some((table) => fitsPattern(table, word))) continue;
    outcomes.push(failed(word, isPattern(word) ? fitsNothing(word) : tableNotFound(word, definitions)));
  }
  return outcomes;
}

async function turnOn(dataverse: Dataverse, table: string, signal: AbortSignal): Promise<TrackOutcome> {
  try {
    const turned = await turnOnTracking(dataverse.client, table, signal);
    return { table, outcome: turned ? 'turned on' : 'on already', failure: null };
  } catch (error) {
    signal.throwIfAborted();
    return failed(table, toFailure(error));
  }
}

function failed(table: string, failure: Failure): TrackOutcome {
  return { table, outcome: 'failed', failure };
}

function cannotTrack(table: string, why: string): Failure {
  return new Failure({
    code: 'tracking-impossible',
    message: `Change tracking of table ${table} cannot be turned on: ${why}.`,
    remedy: `Give ${table} \`mode: snapshot\`, or take it out of tables.`,
    details: { table },
  });
}

function fitsNothing(pattern: string): Failure {
  return new Failure({
    code: 'table-not-found',
    message: `The pattern ${pattern} fits no table whose changes can be tracked.`,
  });
}
