import { readFile } from 'node:fs/promises';
import { errorCode } from '../model/error-description.ts';
import { secretInFile, secretProblem, type SecretText } from './secret-text.ts';

/**
 * The secret in a file as it is now, because somebody may have put a new one there.
 *
 * @param sent how the secret is sent, as `secretProblem` has it.
 */
export async function readSecretFile(file: string, sent?: 'line' | 'header'): Promise<SecretText> {
  const read = await readFile(file).then(secretInFile, (error: unknown) => ({
    problem: `names no file that can be read (${errorCode(error) ?? ''})`,
  }));
  if ('problem' in read) return read;
  if (read.text === '') return { problem: 'names an empty file' };
  const problem = sent === undefined ? undefined : secretProblem(read.text, sent);
  return problem === undefined ? read : { problem };
}
