import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { EntityDefinition } from '../../dataverse/metadata/table-definition.ts';
import { fitsPattern, isPattern } from '../../model/name-pattern.ts';
import {
  isMeantByPattern,
  resolveTables,
  type Resolution,
  type TableChoice,
  type TableEntry,
} from './table-resolution.ts';

/** Whether the tables to mirror depend on what the environment has. */
export function hasPatterns({ entries }: TableChoice<TableEntry>): boolean {
  return entries.some(({ name }) => isPattern(name));
}

/**
 * Reads which tables the configuration means in the environment as it is now. This costs at most two requests,
 * however many tables the environment has, and none if the configuration has no pattern or if the state has the list.
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
    ? await dataverse.metadata.intersections(signal)
    : undefined;
  return resolveTables(choice, definitions, intersections, await dataverse.metadata.oddTables(signal));
}

/** Whether only the tables that this table joins tell if its changes are tracked. */
export function isUntrackedIntersect(definition: EntityDefinition): boolean {
  return definition.IsIntersect === true && definition.ChangeTrackingEnabled !== true;
}

/**
 * The tables to mirror while the environment does not say which tables it has: the tables that the configuration
 * names, and those that are mirrored already and that a pattern brings.
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
