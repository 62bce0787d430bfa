import type { Config } from './config.ts';
import { DEFAULT_FILE, type Variables } from './file/file-settings.ts';
import { loadConfig, type Needs } from './load.ts';

/** What a person or a script answers at the set-up, under the variables that would say the same. */
export interface Answers {
  readonly DATAVERSE_URL?: string;
  readonly MIRRORVERSE_AUTH?: string;
  readonly DATABASE_URL?: string;
  /** Names and patterns, separated by commas. */
  readonly MIRRORVERSE_TABLES?: string;
}

/** The file that a set-up writes. @param named the file of the command line. */
export function fileToWrite(named: string | undefined, environment: Variables = process.env): string {
  const fromVariable = environment['MIRRORVERSE_CONFIG'] ?? '';
  return named ?? (fromVariable === '' ? DEFAULT_FILE : fromVariable);
}

/** The configuration that answers mean, with the credentials of the variables. @throws ConfigError */
export function configOfAnswers(
  answers: Answers,
  needs: Needs,
  environment: Variables = process.env,
): Config {
  return loadConfig(null, needs, withAnswers(environment, answers));
}

/**
 * The configuration that a written file means, without the variables that would win over it.
 *
 * @param beside answers that are not in the file.
 * @throws ConfigError
 */
export function configOfWritten(
  file: string,
  beside: Answers,
  needs: Needs,
  environment: Variables = process.env,
): Config {
  return loadConfig(file, needs, withAnswers(withoutAnswers(environment), beside));
}

/** The variables that are set and say something else than the answers, so that they win over the written file. */
export function contraryVariables(answers: Answers, environment: Variables = process.env): string[] {
  return ANSWERED.filter((name) => (environment[name] ?? '') !== '' && environment[name] !== answers[name]);
}

const ANSWERED = ['DATAVERSE_URL', 'MIRRORVERSE_AUTH', 'DATABASE_URL', 'MIRRORVERSE_TABLES'] as const;

function withAnswers(environment: Variables, answers: Answers): Variables {
  // The file of a secret and the secret itself contradict each other.
  const own = answers.DATABASE_URL === undefined ? {} : { DATABASE_URL_FILE: undefined };
  return { ...environment, ...own, ...answers };
}

function withoutAnswers(environment: Variables): Variables {
  return { ...environment, ...Object.fromEntries(ANSWERED.map((name) => [name, undefined])) };
}
