import type { MirrorDatabase } from '../../mirror/database.ts';
import type { BudgetGauges } from '../../dataverse/budget/budget.ts';
import { Failure } from '../../model/failure.ts';
import { readinessDocument, type NotReady } from './readiness.ts';
import { readStatus, type StatusOptions, type StatusReport } from '../status/mirror-status.ts';

export interface ProcessFacts {
  readonly notReady: () => NotReady | null;
  readonly gauges: BudgetGauges;
}

/** Milliseconds. The client must get the reason before its own time-out. */
const TIME_OUT = 5_000;

/**
 * Reads the status for the HTTP port. Requests that come while the status is being read share it.
 *
 * @returns a function that @throws Failure, `database-unreachable` if PostgreSQL does not answer in time.
 */
export function sharedStatus(
  database: () => Promise<MirrorDatabase>,
  options: () => StatusOptions,
): () => Promise<StatusReport> {
  let underWay: Promise<StatusReport> | undefined;
  const read = async (): Promise<StatusReport> => readStatus(await database(), options());
  return async () => {
    underWay ??= read().finally(() => (underWay = undefined));
    return inTime(underWay);
  };
}

/** The document of `/status`: the document of `status --json`, with what only the process knows. */
export function statusDocument(report: StatusReport, facts: ProcessFacts): object {
  return { ...report, process: processDocument(facts) };
}

function processDocument({ notReady, gauges }: ProcessFacts): object {
  const { throttledUntil, requests, throttled, concurrency } = gauges;
  const left = throttledUntil - performance.now();
  return {
    uptimeSeconds: Math.round(process.uptime()),
    ...readinessDocument(notReady()),
    budget: {
      requests,
      throttled,
      concurrency,
      throttledUntil: left > 0 ? new Date(Date.now() + left).toISOString() : null,
    },
  };
}

/** @throws Failure `database-unreachable` */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(noAnswer()), TIME_OUT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function noAnswer(): Failure {
  return new Failure({
    code: 'database-unreachable',
    message: `PostgreSQL did not answer within ${TIME_OUT / 1000} s.`,
  });
}
