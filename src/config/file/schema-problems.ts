import type { z } from 'zod';
import type { ConfigProblem } from '../config.ts';
import { settingsSchema, type Settings } from '../settings.ts';
import { closestKey } from './known-keys.ts';

type Issue = NonNullable<ReturnType<typeof settingsSchema.safeParse>['error']>['issues'][number];

/** What a value must be, in the words of a configuration file. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text; write it in quotes',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  object: 'a mapping of keys to values',
};

/** What is wrong with a value, if the schema has no message of its own. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'is empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

function describeIssue(issue: Issue): ConfigProblem[] {
  const path = issue.path.map(String);
  const key = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((unknown) => unknownKey([...path, unknown]));
  }
  if (issue.code === 'invalid_union') {
    // The value may be a word or a mapping. The problems of the mapping help more.
    const branch =
      issue.errors.find((errors) => errors.some((error) => error.path.length > 0)) ??
      issue.errors.find((errors) => errors.some((error) => error.code === 'unrecognized_keys'));
    if (branch !== undefined) {
      return branch.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }));
    }
    return [{ key, message: issue.message }];
  }
  return [{ key, message: issue.message }];
}

function unknownKey(path: readonly string[]): ConfigProblem {
  const meant = closestKey(path);
  const problem = { key: path.join('.'), path, message: 'is not a known key' };
  return meant === undefined ? problem : { ...problem, meant };
}

/**
 * The settings without the values that the schema refuses. Each refusal is added to the problems, and checks
 * beyond the schema find their problems in the same run.
 */
export function checkedSettings(tree: Record<string, unknown>, problems: ConfigProblem[]): Settings {
  const rest = structuredClone(tree);
  for (;;) {
    const parsed = settingsSchema.safeParse(rest, { error: inWords });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      problems.push(...describeIssue(issue));
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) remove(rest, [...issue.path, key]);
      } else remove(rest, issue.path);
    }
  }
}

/** Removes what a path leads to. A list gets a placeholder instead, so that its other items keep their places. */
function remove(tree: Record<string, unknown>, path: readonly PropertyKey[]): void {
  let node: unknown = tree;
  for (const key of path.slice(0, -1)) node = memberOf(node, key);
  const last = path.at(-1);
  if (typeof node !== 'object' || node === null || last === undefined) return;
  if (Array.isArray(node)) node[Number(last)] = placeholder(node, Number(last));
  else Reflect.deleteProperty(node, last);
}

/** A placeholder for a refused table. It has the name of the table, so that a second entry of it is found. */
function placeholder(list: readonly unknown[], at: number): string {
  const name = memberOf(list[at], 'name');
  return typeof name === 'string' && name !== '' ? name : `\0${at}`;
}

function memberOf(node: unknown, key: PropertyKey): unknown {
  return typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined;
}
