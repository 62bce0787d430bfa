import { readFileSync } from 'node:fs';
import { unreadable } from './file/unreadable-file.ts';
import { secretInFile, secretProblem, withoutLineBreaks, type SecretText } from '../log/secret-text.ts';
import type { ConfigProblem } from './config.ts';
import type { Variables } from './file/file-settings.ts';

interface Secret {
  readonly name: string;
  /** Where the secret is sent as it is: a text of one line, or an HTTP header. */
  readonly sent?: 'line' | 'header';
}

/** Variables that hold a secret; each has a `_FILE` form that names a file holding it. */
const SECRETS: readonly Secret[] = [
  // The secrets of Entra ID are ASCII.
  { name: 'AZURE_CLIENT_SECRET', sent: 'header' },
  { name: 'AZURE_CLIENT_CERTIFICATE_PASSWORD' },
  { name: 'DATAVERSE_ACCESS_TOKEN', sent: 'header' },
  { name: 'DATABASE_URL', sent: 'line' },
  // It may have the password of the proxy in it.
  { name: 'HTTPS_PROXY', sent: 'line' },
  { name: 'MIRRORVERSE_HASH_KEY' },
  { name: 'MIRRORVERSE_API_TOKEN', sent: 'header' },
  { name: 'MIRRORVERSE_NUDGE_SECRET', sent: 'header' },
  { name: 'MIRRORVERSE_NUDGE_QUEUE_CONNECTION', sent: 'line' },
  { name: 'AWS_ACCESS_KEY_ID', sent: 'header' },
  { name: 'AWS_SECRET_ACCESS_KEY' },
  { name: 'AWS_SESSION_TOKEN', sent: 'header' },
];

/** Further secrets, for values of `webhooks`, which may have several secrets and addresses. */
const OF_WEBHOOKS = /^(MIRRORVERSE_WEBHOOK_\w+?)(?:_FILE)?$/;

/**
 * The variables, with each secret read from its file. An empty variable counts as not set, because compose files
 * pass variables on as empty.
 *
 * A problem names the variable and never its value, because somebody may have put the secret itself into the `_FILE`
 * form.
 */
export function withSecretFiles(variables: Variables, problems: ConfigProblem[]): Variables {
  const result: Record<string, string | undefined> = {};
  for (const [name, value = ''] of Object.entries(variables)) {
    const text = withoutLineBreaks(value);
    if (text !== '') result[name] = text;
  }
  const ofWebhooks = Object.keys(result).flatMap((name) => OF_WEBHOOKS.exec(name)?.[1] ?? []);
  const all: readonly Secret[] = [
    ...SECRETS,
    ...[...new Set(ofWebhooks)].map((name): Secret => ({ name, sent: 'line' })),
  ];
  for (const { name, sent } of all) {
    const fileVariable = `${name}_FILE`;
    const file = result[fileVariable];
    let givenBy = name;
    if (file !== undefined) {
      if (result[name] !== undefined) {
        problems.push({ key: fileVariable, message: `is set, and so is ${name}; unset one of them` });
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

/**
 * A secret that clients of this process send, as its file has it now, because somebody may have put a new one there.
 *
 * @param name of the variable with the secret.
 * @param known the secret that counts if no file has it, or while the file cannot be used.
 */
export function currentSecret(
  name: 'MIRRORVERSE_API_TOKEN' | 'MIRRORVERSE_NUDGE_SECRET',
  known: string | undefined,
  environment: Variables = process.env,
): string | undefined {
  const file = environment[`${name}_FILE`] ?? '';
  const read = file === '' ? undefined : secretOf(file);
  if (read === undefined || 'problem' in read) return known;
  return secretProblem(read.text, 'header') === undefined ? read.text : known;
}

function secretOf(file: string): SecretText {
  try {
    const read = secretInFile(readFileSync(file));
    return 'text' in read && read.text === '' ? { problem: 'names an empty file' } : read;
  } catch (error) {
    return { problem: `names a file that ${unreadable(error)}; it must be a path` };
  }
}
