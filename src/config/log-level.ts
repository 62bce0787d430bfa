import type { ConfigProblem } from './config.ts';
import type { Variables } from './file-settings.ts';

const VARIABLE = 'MIRRORVERSE_LOG_LEVEL';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** The level from MIRRORVERSE_LOG_LEVEL; `info` if it is not set or wrong. It is needed before any file is read. */
export function logLevel(variables: Variables = process.env): string {
  const level = variables[VARIABLE] ?? '';
  return LEVELS.includes(level) ? level : 'info';
}

/** What is wrong with MIRRORVERSE_LOG_LEVEL. */
export function logLevelProblems(variables: Variables): ConfigProblem[] {
  const level = variables[VARIABLE] ?? '';
  if (level === '' || LEVELS.includes(level)) return [];
  return [{ key: VARIABLE, message: `must be one of ${LEVELS.join(', ')}` }];
}
