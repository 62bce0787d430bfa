import { spanAtShare } from '../sync/verify/share-pace.ts';
import type { VerifyWishes } from '../sync/verify/verifier.ts';

/** API requests of one verification of a table, by each method. */
export interface VerificationRequests {
  /** Of keys and versions. */
  readonly sweep: number;
  /** Of whole rows. */
  readonly values: number;
}

/** What the daemon's verification of several tables costs; `verify` of `plan --json`. */
export interface VerificationCost {
  readonly requestsPerDay: number;
  /** Part of `limits.requestsPerDay`; null if that is not set. */
  readonly shareOfDay: number | null;
  /** How long a sweep of all tables takes, one after another. */
  readonly sweepSeconds: number;
}

export interface VerificationLimits {
  readonly requestsPer5Minutes: number;
  readonly requestsPerDay: number | undefined;
}

const DAY = 86_400_000;
/** Milliseconds of a request that are assumed; the environment tells them only afterwards. */
const REQUEST = 500;

/** What the tables cost in a day; a comparison of values proves what a sweep proves, so it takes the place of one. */
export function verificationCost(
  tables: readonly VerificationRequests[],
  { every, values, share }: Pick<VerifyWishes, 'every' | 'values' | 'share'>,
  { requestsPer5Minutes, requestsPerDay }: VerificationLimits,
): VerificationCost {
  const sweep = tables.reduce((sum, table) => sum + table.sweep, 0);
  const whole = tables.reduce((sum, table) => sum + table.values, 0);
  const comparisons = values === undefined ? 0 : DAY / values;
  const sweeps = Math.max(0, DAY / every - comparisons);
  const perDay = Math.ceil(sweep * sweeps + whole * comparisons);
  const rest = spanAtShare({ requests: sweep, milliseconds: sweep * REQUEST }, share, requestsPer5Minutes);
  return {
    requestsPerDay: perDay,
    shareOfDay: requestsPerDay === undefined ? null : perDay / requestsPerDay,
    sweepSeconds: Math.ceil((sweep * REQUEST + rest) / 1000),
  };
}
