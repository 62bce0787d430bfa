import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Document, YAMLParseError } from 'yaml';
import { errorCode } from '../model/error-description.ts';
import type { ConfigProblem } from './config.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** The default file. It is used if it exists and no other is named. */
const DEFAULT_FILE = 'mirrorverse.yaml';

/**
 * The configuration file as a tree, with `${VAR}` in its values replaced.
 *
 * @param named the file of `--config` or MIRRORVERSE_CONFIG; without one the default file is read if it exists.
 */
export function readFileSettings(
  named: string | undefined,
  variables: Variables,
  problems: ConfigProblem[],
): Record<string, unknown> {
  const file = named ?? DEFAULT_FILE;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (named === undefined && code === 'ENOENT') return {};
    problems.push(
      file === variables['MIRRORVERSE_CONFIG']
        ? // Its value stays out: somebody may have put the text of the file there, with a password in it.
          { key: 'MIRRORVERSE_CONFIG', message: `names a file that cannot be read (${code})` }
        : { key: '--config', message: `the file ${file} cannot be read (${code})` },
    );
    return {};
  }
  // Who sets variables only has no file, and the parser takes a tenth of the time of a start.
  const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const document = parseDocument(text);
  for (const error of document.errors) {
    problems.push({ key: file, message: `is not valid YAML: ${describeError(error)}` });
  }
  if (document.errors.length > 0) return {};
  const tree = treeOf(document);
  if (tree === undefined) {
    const help = 'put a value that begins with * in quotes';
    problems.push({ key: file, message: `has an alias without an anchor; ${help}` });
    return {};
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    problems.push({ key: file, message: 'must be a mapping of keys to values' });
    return {};
  }
  return substituted(tree, [], variables, problems) as Record<string, unknown>;
}

/** The message of the parser may quote the text and a password in it, so only its code and place are used. */
function describeError({ code, linePos }: YAMLParseError): string {
  const what = code.toLowerCase().replaceAll('_', ' ');
  const at = linePos?.[0];
  return at === undefined ? what : `${what} at line ${at.line}, column ${at.col}`;
}

/** The document as a tree; undefined if an alias has no anchor, or expands to far too much. */
function treeOf(document: Document.Parsed): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

const PLACEHOLDER = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

function substituted(
  value: unknown,
  path: readonly string[],
  variables: Variables,
  problems: ConfigProblem[],
): unknown {
  if (typeof value === 'string') {
    const text = value.replace(PLACEHOLDER, (_, name: string) => {
      const replacement = variables[name];
      if (replacement !== undefined) return replacement;
      problems.push({ key: path.join('.'), message: `names the variable ${name}, which is not set` });
      return '';
    });
    return text === value ? value : asNumber(path, text);
  }
  if (Array.isArray(value)) {
    return value.map((item, at) => substituted(item, [...path, String(at)], variables, problems));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        substituted(item, [...path, key], variables, problems),
      ]),
    );
  }
  return value;
}

/** Keys, and groups of keys, whose values are numbers. Variables are always text. */
const NUMBERS = ['limits', 'health.port', 'labels.language', 'quarantine.maxShare', 'sweep'];

export function asNumber(path: readonly string[], text: string): unknown {
  const key = path.join('.');
  const isNumber = NUMBERS.some((name) => key === name || key.startsWith(`${name}.`));
  return isNumber && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
