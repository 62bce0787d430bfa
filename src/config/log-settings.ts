import type { ConfigProblem } from './config.ts';
import type { Variables } from './file/file-settings.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const FORMATS = ['json', 'pretty'] as const;

/** The variables of the log with the values that they may have. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  MIRRORVERSE_LOG_LEVEL: LOG_LEVELS,
  MIRRORVERSE_LOG_FORMAT: FORMATS,
};

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogSettings {
  /** Undefined if no variable says it. */
  readonly level: LogLevel | undefined;
  /** Undefined if the terminal decides: `pretty` on a terminal, `json` elsewhere. */
  readonly format: (typeof FORMATS)[number] | undefined;
}

/**
 * Level and form of the log by the variables, which are needed before any file is read. A value that is not set or
 * wrong counts as undefined.
 */
export function logSettings(variables: Variables = process.env): LogSettings {
  const level = variables['MIRRORVERSE_LOG_LEVEL'];
  const format = variables['MIRRORVERSE_LOG_FORMAT'];
  return {
    level: LOG_LEVELS.find((known) => known === level),
    format: FORMATS.find((known) => known === format),
  };
}

/** What is wrong with the variables of the log. */
export function logProblems(variables: Variables): ConfigProblem[] {
  return Object.entries(ALLOWED).flatMap(([variable, values]) => {
    const value = variables[variable] ?? '';
    if (value === '' || values.includes(value)) return [];
    return [{ key: variable, message: `must be one of ${values.join(', ')}` }];
  });
}
