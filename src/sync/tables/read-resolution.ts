import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readIntersections } from '../../dataverse/metadata/many-to-many.ts';
import type { EntityDefinition } from '../../dataverse/metadata/table-definition.ts';
import { fitsPattern, isPattern } from '../../model/name-pattern.ts';
import {
  isMeantByPattern,
  resolveTables,
  type Resolution,
  type TableChoice,
  type TableEntry,
} from './table-resolution.ts';

/** Whether the tables that are meant depend on what the environment has. */
export function hasPatterns({ entries }: TableChoice<TableEntry>): boolean {
  return entries.some(({ name }) => isPattern(name));
}

/**
 * The tables that are meant in the environment as it is now: two requests at most, however many tables
 * it has, and none where no pattern is in use.
 *
 * @throws Failure
 */
export async function readResolution<T extends TableEntry>(
  dataverse: Dataverse,
  choice: TableChoice<T>,
  signal: AbortSignal,
): Promise<Resolution<T>> {
  if (!hasPatterns(choice)) return resolveTables(choice, [], undefined);
  const definitions = await dataverse.metadata.tables(signal);
  const intersections = definitions.some(isUntrackedIntersect)
    ? await readIntersections(dataverse.client, signal)
    : undefined;
  return resolveTables(choice, definitions, intersections, await dataverse.metadata.oddTables(signal));
}

/** Whether only the tables it joins tell if its changes are tracked. */
export function isUntrackedIntersect(definition: EntityDefinition): boolean {
  return definition.IsIntersect === true && definition.ChangeTrackingEnabled !== true;
}

/**
 * The tables that are meant of those that are mirrored already, for when the environment does not say
 * what it has: those that are named, and the known ones that a pattern brings.
 */
export function knownResolution<T extends TableEntry>(
  choice: TableChoice<T>,
  known: readonly string[],
): Resolution<T> {
  const named = choice.entries.filter(({ name }) => !isPattern(name));
  const brought = known
    .filter((name) => isMeantByPattern(choice, name))
    .flatMap((name) => {
      const entry = choice.entries.findLast((each) => isPattern(each.name) && fitsPattern(name, each.name));
      return entry === undefined ? [] : [{ ...entry, name, pattern: entry.name }];
    });
  return { tables: [...named, ...brought], excluded: new Map(), idlePatterns: [], isIncomplete: true };
}
