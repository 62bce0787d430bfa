import type { ConfigProblem } from './config.ts';
import type { Variables } from './file-settings.ts';

const VARIABLE = 'MIRRORVERSE_LOG_LEVEL';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** From MIRRORVERSE_LOG_LEVEL; `info` where it is not set or no level. Needed before any file is read. */
export function logLevel(variables: Variables = process.env): string {
  const level = variables[VARIABLE] ?? '';
  return LEVELS.includes(level) ? level : 'info';
}

/** What is wrong with it. */
export function logLevelProblems(variables: Variables): ConfigProblem[] {
  const level = variables[VARIABLE] ?? '';
  if (level === '' || LEVELS.includes(level)) return [];
  return [{ key: VARIABLE, message: `is none of ${LEVELS.join(', ')}` }];
}
