import type { MirrorDatabase } from '../../mirror/database.ts';
import type { BudgetGauges } from '../../dataverse/budget/budget.ts';
import { Failure } from '../../model/failure.ts';
import { readinessDocument } from './health-server.ts';
import type { NotReady } from './readiness.ts';
import { readStatus, type StatusOptions } from '../status/mirror-status.ts';

export interface ProcessFacts {
  readonly notReady: () => NotReady | null;
  readonly gauges: BudgetGauges;
}

/** Milliseconds. The client must get the reason before its own time-out. */
const TIME_OUT = 5_000;

/**
 * The document of `/status`: the document of `status --json`, with what only the process knows. Requests that
 * come while the document is being read share it.
 */
export function statusOfProcess(
  database: () => Promise<MirrorDatabase>,
  options: StatusOptions,
  facts: ProcessFacts,
): () => Promise<object> {
  let underWay: ReturnType<typeof readStatus> | undefined;
  const read = async (): ReturnType<typeof readStatus> => readStatus(await database(), options);
  return async () => {
    underWay ??= read().finally(() => (underWay = undefined));
    const report = await inTime(underWay);
    return { ...report, process: processDocument(facts) };
  };
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

async function inTime<T>(promise: Promise<T>): Promise<T> {
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
