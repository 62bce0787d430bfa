import type { Config, ConfigProblem } from '../config.ts';
import type { Settings } from '../settings.ts';

/** What distributed mirror tables cannot have, and why. */
const WITHOUT = {
  feed: 'refuses triggers on its tables',
  history: 'refuses triggers on its tables',
  partition: 'divides its tables already',
  rows: 'cannot be asked about rows that are in a temporary table',
} as const;

/** Whether the mirror tables are distributed. It finds keys that distributed tables cannot have. */
export function distributionOf(settings: Settings, problems: ConfigProblem[]): Pick<Config, 'distribution'> {
  const distribution = settings.postgres?.distribution;
  if (distribution === undefined) return {};
  const check = (key: string, value: unknown, reason: string): void => {
    if (value === undefined || value === false) return;
    problems.push({ key, message: `cannot be used with postgres.distribution: citus, which ${reason}` });
  };
  check('feed', settings.feed, WITHOUT.feed);
  check('history', settings.history, WITHOUT.history);
  for (const [at, table] of (settings.tables ?? []).entries()) {
    if (typeof table === 'string') continue;
    for (const key of ['feed', 'history', 'partition', 'rows'] as const) {
      check(`tables.${at}.${key}`, table[key], WITHOUT[key]);
    }
  }
  return { distribution };
}
