import type { ConfigProblem } from './config.ts';
import type { Variables } from './file/file-settings.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const FORMATS = ['json', 'pretty'] as const;

/** The variables of the log with the values that they may have. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  MIRRORVERSE_LOG_LEVEL: LEVELS,
  MIRRORVERSE_LOG_FORMAT: FORMATS,
};

export interface LogSettings {
  readonly level: string;
  /** Undefined if the terminal decides: `pretty` on a terminal, `json` elsewhere. */
  readonly format: (typeof FORMATS)[number] | undefined;
}

/**
 * Level and form of the log, which are needed before any file is read. A value that is not set or wrong counts as
 * the default: `info`, and what fits standard error.
 */
export function logSettings(variables: Variables = process.env): LogSettings {
  const level = variables['MIRRORVERSE_LOG_LEVEL'] ?? '';
  const format = variables['MIRRORVERSE_LOG_FORMAT'];
  return {
    level: LEVELS.includes(level) ? level : 'info',
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
