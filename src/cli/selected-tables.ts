import { closestName } from '../model/closest-name.ts';
import { fitsPattern } from '../model/name-pattern.ts';
import type { Resolution, ResolvedTable, TableEntry } from '../sync/tables/table-resolution.ts';
import { didYouMean, UsageError } from './command.ts';

/**
 * The tables to mirror that the words name, by name or pattern; all of them without words.
 *
 * @throws UsageError if a word means no table to mirror.
 */
export function selectedTables<T extends TableEntry>(
  { tables, excluded }: Resolution<T>,
  words: readonly string[],
): ResolvedTable<T>[] {
  const unknown = words.filter((word) => !tables.some(({ name }) => fitsPattern(name, word)));
  if (unknown.length > 0) {
    const names = tables.map(({ name }) => name);
    const why = unknown.map((word) => {
      const reason = excluded.get(word);
      return reason === undefined ? word : `${word} (${reason})`;
    });
    throw notConfigured(unknown, names, why);
  }
  if (words.length === 0) return [...tables];
  return tables.filter(({ name }) => words.some((word) => fitsPattern(name, word)));
}

/**
 * The error about tables that are not configured.
 *
 * @param names what the words may mean.
 * @param shown the words as the sentence shows them.
 */
export function notConfigured(
  words: readonly string[],
  names: readonly string[],
  shown: readonly string[] = words,
): UsageError {
  const near = words.flatMap((word) => closestName(word, names) ?? []);
  const help = near.length === 0 ? ' Add them to tables.' : didYouMean(near.join(', '));
  return new UsageError(`Not among the configured tables: ${shown.join(', ')}.${help}`);
}
