import type { ConfigProblem } from '../config.ts';
import { VARIABLES } from '../settings.ts';
import type { FileSettings, Variables } from './file-settings.ts';
import { indexOfTable, nameOf, namesIn } from './overlay.ts';

/**
 * A problem with what a person looks for: the variable that gave the value, or the place in the file.
 *
 * @param problem its key is a path of the settings, or anything else, which stays as it is.
 */
export function placed(problem: ConfigProblem, file: FileSettings, variables: Variables): ConfigProblem {
  const path = pathInFile(problem, file, variables);
  if (path === undefined) {
    const variable = variableOf(pathOf(problem), variables);
    return { ...problem, key: `${variable} (${problem.key})` };
  }
  const place = file.place(path);
  if (place === undefined) return problem;
  const used = file.variablesAt(path);
  const from = used.length === 0 ? '' : `; the value comes from ${used.join(' and ')}`;
  return { ...problem, message: `${problem.message}${from}`, ...place };
}

/** A problem with the name of the table that it is about, if the table has one. @param tree the settings as a tree. */
export function ofTable(problem: ConfigProblem, tree: Readonly<Record<string, unknown>>): ConfigProblem {
  const [key, at, ...setting] = pathOf(problem);
  const { tables } = tree;
  if (key !== 'tables' || setting.length === 0 || !Array.isArray(tables)) return problem;
  const table = nameOf((tables as readonly unknown[])[Number(at)]);
  return typeof table === 'string' && table !== '' ? { ...problem, table } : problem;
}

function pathOf({ path, key }: ConfigProblem): readonly string[] {
  return path ?? key.split('.');
}

/** The variable that gives a value; undefined if the file gives it. */
function variableOf(path: readonly string[], variables: Variables): string | undefined {
  return Object.entries(VARIABLES).find(
    ([name, at]) => variables[name] !== undefined && at.every((step, depth) => path[depth] === step),
  )?.[0];
}

/** The path of a problem in the file; undefined if a variable gives the value. */
function pathInFile(
  problem: ConfigProblem,
  { tree }: FileSettings,
  variables: Variables,
): readonly string[] | undefined {
  const path = pathOf(problem);
  if (variableOf(path, variables) === undefined) return path;
  const [key, at, ...setting] = path;
  if (key !== 'tables' || setting.length === 0) return undefined;
  // The variable gives the names of the tables. Their settings come from the file.
  const name = namesIn(variables['MIRRORVERSE_TABLES'] ?? '')[Number(at)];
  const inFile = name === undefined ? undefined : indexOfTable(tree['tables'], name);
  return inFile === undefined ? undefined : [key, String(inFile), ...setting];
}
