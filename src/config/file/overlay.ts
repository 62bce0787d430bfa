import { VARIABLES } from '../settings.ts';
import { asNumber, type Variables } from './file-settings.ts';

/** The tree with the value of each variable that is set, at the key of the variable. */
export function overlay(tree: Record<string, unknown>, variables: Variables): Record<string, unknown> {
  const result = structuredClone(tree);
  for (const [variable, path] of Object.entries(VARIABLES)) {
    const value = variables[variable];
    if (value === undefined) continue;
    const last = path.at(-1) ?? '';
    let node = result;
    for (const key of path.slice(0, -1)) {
      const next = node[key];
      if (typeof next !== 'object' || next === null) node[key] = {};
      node = node[key] as Record<string, unknown>;
    }
    node[last] = variable === 'MIRRORVERSE_TABLES' ? namedTables(value, node[last]) : asNumber(path, value);
  }
  return result;
}

/** The tables that the variable names, each with its settings from the file if the file has some. */
function namedTables(value: string, inFile: unknown): unknown[] {
  return namesIn(value).map((name) => {
    const at = indexOfTable(inFile, name);
    return at === undefined ? name : (inFile as readonly unknown[])[at];
  });
}

/** The tables that the value of MIRRORVERSE_TABLES names. */
export function namesIn(value: string): string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Which entry of the file's list is about a table; undefined if none is. */
export function indexOfTable(inFile: unknown, name: string): number | undefined {
  const at = Array.isArray(inFile) ? inFile.findIndex((item) => nameOf(item) === name) : -1;
  return at < 0 ? undefined : at;
}

/** The name in an entry of `tables`, which may be the name alone. */
export function nameOf(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'name' in item ? item.name : item;
}
