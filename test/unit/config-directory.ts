import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ConfigError, type Config, type ConfigProblem } from '../../src/config/config.ts';
import { loadConfig, type Needs } from '../../src/config/load.ts';

const directory = mkdtempSync(join(tmpdir(), 'mirrorverse-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;

/** Writes a file of its own and returns its path. */
export function written(text: string | Uint8Array): string {
  const file = join(directory, `file-${++files}`);
  writeFileSync(file, text);
  return file;
}

export type Variables = Record<string, string | undefined>;

/** The configuration of a file's text and these variables alone. */
export function load(yaml: string, variables: Variables = {}, needs: Needs = {}): Config {
  return loadConfig(written(yaml), needs, variables);
}

/** The problems of a configuration that is refused; none is a failed test. */
export function problemsOf(
  yaml: string,
  variables: Variables = {},
  needs: Needs = {},
): readonly ConfigProblem[] {
  try {
    load(yaml, variables, needs);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('The configuration was accepted.');
}

export const keysOf = (problems: readonly ConfigProblem[]): string[] =>
  problems.map(({ key }) => key).toSorted();
