import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { BudgetGauges } from '../../dataverse/budget/budget.ts';
import { addRequests } from '../../mirror/state/spent-requests.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { toFailure } from '../../model/failure.ts';

/** Milliseconds between two writes. */
const BETWEEN_WRITES = 15_000;

export interface RequestRecordParts {
  readonly store: StateStore;
  /** Names who signs in; see `identityDigest`. */
  readonly identity: string;
  readonly gauges: Pick<BudgetGauges, 'requests'>;
  readonly logger: Logger;
}

export interface RequestRecord {
  /** Requests of this process that are not in the state yet. */
  readonly unrecorded: () => number;
  /** Writes the rest. It never rejects. */
  readonly close: () => Promise<void>;
}

/**
 * Adds the requests of this process to the state, so that every process can tell what all of them have spent. It
 * writes nothing while no requests are sent. A write that fails is made up for by a later one, because the budget goes
 * on counting.
 *
 * @returns the record, which is closed at the end.
 */
export function recordRequests({ store, identity, gauges, logger }: RequestRecordParts): RequestRecord {
  let recorded = 0;
  let isFailing = false;
  let underWay: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    const { requests } = gauges;
    if (requests === recorded) return;
    try {
      await addRequests(store, identity, requests - recorded);
      recorded = requests;
      isFailing = false;
    } catch (error) {
      isFailing = true;
      logger.debug({ code: toFailure(error).code }, 'The requests could not be recorded in the state.');
    }
  };
  const begin = (): void => {
    underWay ??= write().finally(() => (underWay = undefined));
  };
  const timer = setInterval(begin, BETWEEN_WRITES).unref();
  return {
    unrecorded: () => gauges.requests - recorded,
    async close() {
      clearInterval(timer);
      await underWay;
      // A database that did not answer the last time must not hold up the end of the process.
      if (!isFailing) await write();
    },
  };
}

/** Names an identity in an environment. The digest says of two processes whether they share Dataverse's limits. */
export function identityDigest(organizationId: string, userId: string | undefined): string {
  return createHash('sha256')
    .update(`${organizationId} ${userId ?? ''}`)
    .digest('hex')
    .slice(0, 16);
}
