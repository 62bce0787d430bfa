import { closestName } from '../../model/closest-name.ts';
import type { Resolution } from '../../sync/tables/table-resolution.ts';
import type { CheckedTable } from './check-table.ts';
import { bad, type Finding, good } from './finding.ts';

/**
 * Says how many tables the configured names and patterns mean, and finds patterns that fit no table.
 *
 * @param names the tables of the environment, by their logical names.
 */
export function checkPatterns(
  { tables, excluded, idlePatterns }: Resolution<CheckedTable>,
  names: readonly string[],
): Finding[] {
  const leftOut = excluded.size === 0 ? '' : `, and leave out ${excluded.size}: see \`mirrorverse tables\``;
  return [
    good('tables', 'tables', `names and patterns mean ${tables.length} tables${leftOut}`),
    ...idlePatterns.map((pattern) => {
      const near = closestPattern(pattern, names);
      const meant = near === null ? '' : `Did you mean ${near}? `;
      const remedy = `${meant}Correct the pattern, or take it out of tables; \`mirrorverse tables\` lists the tables of the environment.`;
      return bad(
        `tables.${pattern}`,
        'tables',
        `the pattern ${pattern} fits no table of the environment`,
        remedy,
      );
    }),
  ];
}

/** A table, or a pattern that fits one, that was probably meant; null if nothing is near. */
function closestPattern(pattern: string, names: readonly string[]): string | null {
  const stem = /^([^*?]+)\*$/.exec(pattern)?.[1];
  if (stem === undefined) return closestName(pattern, names);
  const lengths = [stem.length, stem.length - 1, stem.length + 1];
  const beginnings = new Set(lengths.flatMap((length) => names.map((name) => name.slice(0, length))));
  beginnings.delete('');
  const near = closestName(stem, beginnings);
  return near === null ? null : `${near}*`;
}
