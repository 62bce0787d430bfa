import type { Intersections } from '../../dataverse/metadata/many-to-many.ts';
import { kindOf, type EntityDefinition } from '../../dataverse/metadata/table-definition.ts';
import { fitsPattern, isPattern } from '../../model/name-pattern.ts';
import type { OddItem } from '../../model/table.ts';

/** What resolution needs to know about an entry of `tables` in the configuration. */
export interface TableEntry {
  /** Logical name, or a pattern. */
  readonly name: string;
  readonly mode: 'changes' | 'snapshot';
}

/** Which tables the configuration means: its entries, and the patterns of tables to leave out. */
export interface TableChoice<T extends TableEntry> {
  readonly entries: readonly T[];
  readonly leftOut: readonly string[];
}

/** A table to mirror, with the settings of the entry that names it or brings it. */
export type ResolvedTable<T extends TableEntry> = T & {
  /** The pattern that brought the table; absent if the configuration names the table. */
  readonly pattern?: string;
};

export interface Resolution<T extends TableEntry> {
  /** Tables that are named, in the order of the configuration; then tables that patterns bring, by name. */
  readonly tables: readonly ResolvedTable<T>[];
  /** Why a table is not mirrored although a pattern fits, by the name of the table. */
  readonly excluded: ReadonlyMap<string, string>;
  /** Patterns that fit no table of the environment. */
  readonly idlePatterns: readonly string[];
  /** Some tables of the environment have no readable name, so a missing table may still be there. */
  readonly isIncomplete: boolean;
}

/**
 * The tables that a configuration means in an environment.
 *
 * A named table is always among them, even if the environment does not have it: its run says so. If several
 * patterns fit, the last one decides. `leftOut` removes tables that patterns bring. A table that cannot be
 * mirrored in the mode of its entry is left out with the reason.
 *
 * @param intersections undefined if the environment does not tell.
 * @param odd odd definitions; no pattern brings their tables.
 */
export function resolveTables<T extends TableEntry>(
  choice: TableChoice<T>,
  definitions: readonly EntityDefinition[],
  intersections: Intersections | undefined,
  odd: readonly OddItem[] = [],
): Resolution<T> {
  const named = choice.entries.filter(({ name }) => !isPattern(name));
  const names = new Set(named.map(({ name }) => name));
  const patterns = choice.entries.filter(({ name }) => isPattern(name));
  const tracked = trackedTables(definitions);
  const brought: ResolvedTable<T>[] = [];
  const excluded = new Map<string, string>();
  const idle = new Set(patterns.map(({ name }) => name));
  for (const definition of definitions) {
    const name = definition.LogicalName;
    for (const pattern of idle) if (fitsPattern(name, pattern)) idle.delete(pattern);
    const entry = patterns.findLast((pattern) => fitsPattern(name, pattern.name));
    if (entry === undefined || names.has(name)) continue;
    const by = choice.leftOut.find((pattern) => fitsPattern(name, pattern));
    const reason =
      by === undefined ? whyNot(definition, entry.mode, tracked, intersections) : `left out by !${by}`;
    if (reason === undefined) brought.push({ ...entry, name, pattern: entry.name });
    else excluded.set(name, reason);
  }
  const present = new Set(definitions.map(({ LogicalName }) => LogicalName));
  for (const { name, reason } of odd) {
    if (name === null || present.has(name) || names.has(name)) continue;
    for (const pattern of idle) if (fitsPattern(name, pattern)) idle.delete(pattern);
    if (patterns.some((pattern) => fitsPattern(name, pattern.name))) {
      excluded.set(name, `its definition is odd: ${reason}`);
    }
  }
  brought.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isIncomplete = odd.some(({ name }) => name === null);
  return { tables: [...named, ...brought], excluded, idlePatterns: [...idle], isIncomplete };
}

/** Whether a pattern would bring a table of this name, if the environment had it. */
export function isMeantByPattern({ entries, leftOut }: TableChoice<TableEntry>, name: string): boolean {
  return (
    entries.every((entry) => entry.name !== name) &&
    entries.some((entry) => isPattern(entry.name) && fitsPattern(name, entry.name)) &&
    !leftOut.some((pattern) => fitsPattern(name, pattern))
  );
}

/** Tables whose own flag says that their changes are tracked. */
export function trackedTables(definitions: readonly EntityDefinition[]): ReadonlySet<string> {
  return new Set(
    definitions.flatMap((table) => (table.ChangeTrackingEnabled === true ? [table.LogicalName] : [])),
  );
}

/** Why a table cannot be mirrored in a mode; undefined if it can. */
export function whyNot(
  definition: EntityDefinition,
  mode: TableEntry['mode'],
  tracked: ReadonlySet<string>,
  intersections: Intersections | undefined,
): string | undefined {
  if (!definition.EntitySetName) return 'it has no entity set';
  if (!definition.PrimaryIdAttribute) return 'it has no primary id';
  return mode === 'snapshot' ? undefined : whyNotTracked(definition, tracked, intersections);
}

/**
 * Why the changes of a table are not tracked; undefined if they are. An intersect table is tracked through the
 * tables that it joins, and its own flag does not matter (error 0x80072492).
 */
export function whyNotTracked(
  definition: EntityDefinition,
  tracked: ReadonlySet<string>,
  intersections: Intersections | undefined,
): string | undefined {
  const { LogicalName: name } = definition;
  if (tracked.has(name)) return undefined;
  if (kindOf(definition) === 'virtual') return 'it is a virtual table; `mode: snapshot` mirrors it';
  if (definition.IsIntersect === true) {
    const sides = intersections?.get(name);
    if (sides === undefined) {
      return 'its change tracking is off, and the environment does not tell which tables it joins';
    }
    const off = [...sides].filter((side) => !tracked.has(side)).join(' ');
    return off === ''
      ? undefined
      : `it joins tables whose change tracking is off: \`mirrorverse track ${off}\``;
  }
  return definition.CanChangeTrackingBeEnabled === false
    ? 'its change tracking is off and cannot be turned on'
    : `its change tracking is off; \`mirrorverse track ${name}\` turns it on`;
}
