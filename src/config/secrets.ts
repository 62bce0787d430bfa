import { readFileSync } from 'node:fs';
import { errorCode } from '../model/error-code.ts';
import type { ConfigProblem } from './config.ts';
import type { Variables } from './file-settings.ts';

/** Variables that hold a secret; each has a `_FILE` form that names a file holding it. */
const SECRETS = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'DATAVERSE_ACCESS_TOKEN',
  'DATABASE_URL',
  'MIRRORVERSE_HASH_KEY',
];

/**
 * The variables with each secret's file read in. An empty variable counts as not set: that is how
 * compose files pass on what nobody gave.
 */
export function withSecretFiles(variables: Variables, problems: ConfigProblem[]): Variables {
  const result: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && value !== '') result[name] = value;
  }
  for (const name of SECRETS) {
    const fileVariable = `${name}_FILE`;
    const file = result[fileVariable];
    if (file === undefined) continue;
    if (result[name] !== undefined) {
      problems.push({ key: fileVariable, message: `is set beside ${name}; unset one of them` });
      continue;
    }
    try {
      result[name] = readFileSync(file, 'utf8').trim();
      if (result[name] === '') problems.push({ key: fileVariable, message: `the file ${file} is empty` });
    } catch (error) {
      problems.push({
        key: fileVariable,
        message: `the file ${file} cannot be read (${errorCode(error) ?? ''})`,
      });
    }
  }
  return result;
}
