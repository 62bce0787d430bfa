import type { Logger } from 'pino';
import type { Failure } from '../model/failure.ts';
import { createBursts, fieldsOf } from '../log/log-throttle.ts';
import { levelAfter } from '../sync/watch/outage-log.ts';

/** Tells how the daemon gets at its database and its environment. */
export interface OpeningLog {
  /** @param rest milliseconds until it is tried again. */
  readonly failed: (failure: Failure, rest: number) => void;
  readonly opened: () => void;
}

/** An opening that goes on to fail is told as an outage is: at first, at growing distance, and when it is over. */
export function createOpeningLog(logger: Logger): OpeningLog {
  // However long the rests become: nothing else is told meanwhile.
  const occurred = createBursts(Infinity);
  let since: number | undefined;
  return {
    failed(failure, rest) {
      since ??= performance.now();
      const occurrence = occurred(failure.code);
      const { code, remedy, details, message } = failure;
      const level = occurrence.isTold ? levelAfter(occurrence.seconds * 1_000, failure) : 'debug';
      const entry = { ...details, code, remedy, rest, ...fieldsOf(occurrence) };
      logger[level](entry, `${message} It is tried again by itself.`);
    },
    opened() {
      if (since === undefined) return;
      const seconds = Math.round((performance.now() - since) / 1_000);
      logger.info({ seconds }, `Database and environment are open after ${seconds} s.`);
    },
  };
}
