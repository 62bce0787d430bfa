import { fitsPattern } from '../model/name-pattern.ts';
import type { Resolution, ResolvedTable, TableEntry } from '../sync/tables/table-resolution.ts';
import { UsageError } from './command.ts';

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
    const why = unknown.map((word) => {
      const reason = excluded.get(word);
      return reason === undefined ? word : `${word} (${reason})`;
    });
    throw new UsageError(`Not among the configured tables: ${why.join(', ')}. Add them to tables.`);
  }
  if (words.length === 0) return [...tables];
  return tables.filter(({ name }) => words.some((word) => fitsPattern(name, word)));
}
