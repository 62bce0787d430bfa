import type { FailureSummary } from '../../model/failure.ts';

/** What to say while the environment keeps all requests back. */
export function throttledUntil(until: Date): FailureSummary {
  return {
    code: 'throttled',
    message: `The environment asked to keep all requests back until ${until.toISOString()}.`,
    remedy:
      'Nothing to do: it goes on by itself. If it comes often, lower limits.requestsPer5Minutes or limits.concurrency.',
  };
}
