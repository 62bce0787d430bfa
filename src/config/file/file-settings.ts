import { readFileSync } from 'node:fs';
import { errorCode } from '../../model/error-description.ts';
import type { ConfigProblem } from '../config.ts';
import { unreadable } from './unreadable-file.ts';
import { parseYamlFile, type Place } from './yaml-file.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** The default file. It is used if it exists and no other is named. */
export const DEFAULT_FILE = 'mirrorverse.yaml';

/** The settings of the configuration file; none if there is no file. */
export interface FileSettings {
  /** The file as a tree, with `${VAR}` in its values replaced. */
  readonly tree: Record<string, unknown>;
  readonly place: (path: readonly string[]) => Place | undefined;
  /** The variables that a value names by `${VAR}`. */
  readonly variablesAt: (path: readonly string[]) => readonly string[];
}

export const NO_FILE: FileSettings = { tree: {}, place: () => undefined, variablesAt: () => [] };

/**
 * Reads the configuration file.
 *
 * @param named the file of `--config` or MIRRORVERSE_CONFIG; without one the default file is read if it exists.
 * @returns undefined if the file cannot be used. Its settings are not known then, so none of them can be missing.
 */
export function readFileSettings(
  named: string | undefined,
  variables: Variables,
  problems: ConfigProblem[],
): FileSettings | undefined {
  const file = named ?? DEFAULT_FILE;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (named === undefined && code === 'ENOENT') return NO_FILE;
    const why = unreadable(error);
    const isNew = code === 'ENOENT';
    problems.push(
      file === variables['MIRRORVERSE_CONFIG']
        ? // Its value stays out: somebody may have put the text of the file there, with a password in it.
          {
            key: 'MIRRORVERSE_CONFIG',
            message: `names a file that ${why}; correct the path${isNew ? ', or let `mirrorverse init` write the file' : ''}`,
          }
        : {
            key: '--config',
            message: `the file ${file} ${why}; correct the path${isNew ? `, or let \`mirrorverse init --config ${file}\` write the file` : ''}`,
          },
    );
    return undefined;
  }
  const parsed = parseYamlFile(text, file, problems);
  if (parsed === undefined) return undefined;
  const used = new Map<string, readonly string[]>();
  const tree = substituted(parsed.tree, [], { variables, problems, used }) as Record<string, unknown>;
  return { tree, place: parsed.place, variablesAt: (path) => used.get(path.join('.')) ?? [] };
}

const PLACEHOLDER = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

interface Substitution {
  readonly variables: Variables;
  readonly problems: ConfigProblem[];
  /** The variables that each value names, by its key. */
  readonly used: Map<string, readonly string[]>;
}

function substituted(value: unknown, path: readonly string[], how: Substitution): unknown {
  if (typeof value === 'string') {
    const names: string[] = [];
    const text = value.replace(PLACEHOLDER, (_, name: string) => {
      const replacement = how.variables[name];
      if (replacement !== undefined) {
        names.push(name);
        return replacement;
      }
      how.problems.push({
        key: path.join('.'),
        message: `names the variable ${name}, which is not set`,
        isUnset: true,
      });
      return '';
    });
    if (names.length > 0) how.used.set(path.join('.'), names);
    return text === value ? value : asNumber(path, text);
  }
  if (Array.isArray(value)) {
    return value.map((item, at) => substituted(item, [...path, String(at)], how));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substituted(item, [...path, key], how)]),
    );
  }
  return value;
}

/** Keys, and groups of keys, whose values are numbers. Variables are always text. */
const NUMBERS = ['limits', 'health.port', 'nudge.port', 'labels.language', 'quarantine.maxShare', 'sweep'];

export function asNumber(path: readonly string[], text: string): unknown {
  const key = path.join('.');
  const isNumber = NUMBERS.some((name) => key === name || key.startsWith(`${name}.`));
  return isNumber && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
