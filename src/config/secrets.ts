import { readFileSync } from 'node:fs';
import { errorCode } from '../model/error-description.ts';
import { secretInFile, secretProblem, withoutLineBreaks, type SecretText } from '../log/secret-text.ts';
import type { ConfigProblem } from './config.ts';
import type { Variables } from './file-settings.ts';

interface Secret {
  readonly name: string;
  /** Whether it is sent as it is: then it has characters of one line, or of one header. */
  readonly sent?: 'line' | 'header';
}

/** Variables that hold a secret; each has a `_FILE` form that names a file holding it. */
const SECRETS: readonly Secret[] = [
  // Entra ID writes its secrets in ASCII.
  { name: 'AZURE_CLIENT_SECRET', sent: 'header' },
  { name: 'AZURE_CLIENT_CERTIFICATE_PASSWORD' },
  { name: 'DATAVERSE_ACCESS_TOKEN', sent: 'header' },
  { name: 'DATABASE_URL', sent: 'line' },
  { name: 'MIRRORVERSE_HASH_KEY' },
];

/**
 * The variables with each secret's file read in. An empty variable counts as not set: that is how
 * compose files pass on what nobody gave.
 *
 * A problem names the variable and never its value: a secret that was put into the `_FILE` form by
 * mistake would be printed as the name of a file that cannot be read.
 */
export function withSecretFiles(variables: Variables, problems: ConfigProblem[]): Variables {
  const result: Record<string, string | undefined> = {};
  for (const [name, value = ''] of Object.entries(variables)) {
    const text = withoutLineBreaks(value);
    if (text !== '') result[name] = text;
  }
  for (const { name, sent } of SECRETS) {
    const fileVariable = `${name}_FILE`;
    const file = result[fileVariable];
    let givenBy = name;
    if (file !== undefined) {
      if (result[name] !== undefined) {
        problems.push({ key: fileVariable, message: `is set beside ${name}; unset one of them` });
        continue;
      }
      givenBy = fileVariable;
      const read = secretOf(file);
      if ('problem' in read) problems.push({ key: fileVariable, message: read.problem });
      else result[name] = read.text;
    }
    const problem = sent === undefined ? undefined : secretProblem(result[name] ?? '', sent);
    if (problem !== undefined) problems.push({ key: givenBy, message: problem });
  }
  return result;
}

function secretOf(file: string): SecretText {
  try {
    const read = secretInFile(readFileSync(file));
    return 'text' in read && read.text === '' ? { problem: 'names an empty file' } : read;
  } catch (error) {
    return { problem: `names no file that can be read (${errorCode(error) ?? ''}); it takes a path` };
  }
}
