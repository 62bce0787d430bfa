import type { Logger } from 'pino';
import type { Budget } from '../../dataverse/budget/budget.ts';
import { readSpentRequests } from '../../mirror/state/spent-requests.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { toFailure } from '../../model/failure.ts';
import { readableNumber } from '../../model/readable-figures.ts';

/** Milliseconds between two looks at what all processes have spent. */
const BETWEEN_LOOKS = 60_000;
/** The end of the wait is told when so much of the limit is spent at most, so that the log does not repeat itself. */
const OVER = 0.9;

export interface DayLimitParts {
  readonly store: StateStore;
  readonly budget: Pick<Budget, 'endDayAfter'>;
  /** The configured limit, asked at each look; undefined without one. */
  readonly limit: () => number | undefined;
  /** Requests of this process that are not in the state yet. */
  readonly unrecorded: () => number;
  readonly logger: Logger;
}

/**
 * Keeps everything that is no delta within `limits.requestsPerDay`. The state has what all processes have sent, and the
 * budget counts what this process sends after a look. So no request needs a statement, and without a limit there is
 * none at all.
 */
export class DayLimit {
  private readonly parts: DayLimitParts;
  private timer: NodeJS.Timeout | undefined;
  private isTold = false;
  private isClosed = false;

  constructor(parts: DayLimitParts) {
    this.parts = parts;
  }

  /** Looks now, and then once a minute while there is a limit. It never rejects. */
  async look(): Promise<void> {
    const { budget, limit, logger, store, unrecorded } = this.parts;
    clearTimeout(this.timer);
    const allowed = limit();
    if (allowed === undefined) {
      budget.endDayAfter(Number.POSITIVE_INFINITY);
      this.tell(0, Number.POSITIVE_INFINITY);
      return;
    }
    try {
      const { requestsIn24Hours } = await readSpentRequests(store);
      const spent = requestsIn24Hours + unrecorded();
      budget.endDayAfter(Math.max(0, allowed - spent));
      this.tell(spent, allowed);
    } catch (error) {
      // What the last look allowed still counts.
      logger.debug(
        { code: toFailure(error).code },
        'The requests of a day could not be read from the state.',
      );
    }
    if (this.isClosed) return;
    clearTimeout(this.timer);
    // While requests wait, nothing else may keep the process alive.
    this.timer = setTimeout(() => void this.look(), BETWEEN_LOOKS);
    if (!this.isTold) this.timer.unref();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private tell(spent: number, limit: number): void {
    const { logger } = this.parts;
    if (!this.isTold && spent >= limit) {
      this.isTold = true;
      const said = `${readableNumber(spent)} of ${readableNumber(limit)} requests of 24 hours are spent.`;
      const remedy = 'Raise limits.requestsPerDay if the environment may take more.';
      const fields = { code: 'day-spent', requestsIn24Hours: spent, requestsPerDay: limit, remedy };
      logger.warn(fields, `${said} Loads and verification wait; changes go on.`);
    } else if (this.isTold && spent <= OVER * limit) {
      this.isTold = false;
      logger.info('Loads and verification go on: less is spent of the requests of a day.');
    }
  }
}
