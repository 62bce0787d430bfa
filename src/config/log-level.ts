import type { Variables } from './file-settings.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** From MIRRORVERSE_LOG_LEVEL; `info` where it is not set or no level. Needed before any file is read. */
export function logLevel(variables: Variables = process.env): string {
  const level = variables['MIRRORVERSE_LOG_LEVEL'] ?? '';
  return LEVELS.includes(level) ? level : 'info';
}
