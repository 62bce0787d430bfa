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
  /** How long a sweep of all tables takes, one after another, with the values that it compares. */
  readonly sweepSeconds: number;
  /** Sweeps over which the comparison of all values is spread; null if the daemon compares none. */
  readonly sweepsForValues: number | null;
}

export interface VerificationLimits {
  readonly requestsPer5Minutes: number;
  readonly requestsPerDay: number | undefined;
}

const DAY = 86_400_000;
/** Milliseconds of a request that are assumed; the environment tells them only afterwards. */
const REQUEST = 500;

/** Requests of a slice beside its full pages: the pages before, in and after it are not full. */
const ENDS = 2;

/**
 * What the tables cost in a day. Each sweep also compares the values of a slice, whose rows it then reads whole and not
 * by their keys. A slice has a page at least.
 */
export function verificationCost(
  tables: readonly VerificationRequests[],
  { every, values, share }: Pick<VerifyWishes, 'every' | 'values' | 'share'>,
  { requestsPer5Minutes, requestsPerDay }: VerificationLimits,
): VerificationCost {
  const slices = values === undefined ? null : Math.max(1, Math.round(values / every));
  const sweep = sum(tables, (table) => sweepWithSlice(table, slices));
  // Values that are compared more often than a sweep is due leave no sweep.
  const sweepsADay = DAY / Math.min(every, values ?? every);
  const perDay = Math.ceil(sweep * sweepsADay);
  const rest = spanAtShare({ requests: sweep, milliseconds: sweep * REQUEST }, share, requestsPer5Minutes);
  return {
    requestsPerDay: perDay,
    shareOfDay: requestsPerDay === undefined ? null : perDay / requestsPerDay,
    sweepSeconds: Math.ceil((sweep * REQUEST + rest) / 1000),
    sweepsForValues: slices,
  };
}

/** Requests of a sweep on the average of a round of slices. */
function sweepWithSlice({ sweep, values }: VerificationRequests, slices: number | null): number {
  if (slices === null) return sweep;
  const divisions = Math.min(slices, sweep);
  const ends = divisions > 1 ? divisions * ENDS : 0;
  return sweep + (values - sweep + ends) / slices;
}

function sum(
  tables: readonly VerificationRequests[],
  requests: (table: VerificationRequests) => number,
): number {
  return tables.reduce((total, table) => total + requests(table), 0);
}
