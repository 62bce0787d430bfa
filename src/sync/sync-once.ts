import Bottleneck from 'bottleneck';
import type { RunResult } from './run/run-outcome.ts';
import type { RunOptions, TableJob } from './run/table-job.ts';

/**
 * One pass over several tables, a bounded number at once. A failing table does not keep the others
 * from finishing.
 *
 * The limiter is given as many jobs as it has places, at the beginning, and each goes on with the next
 * table: it reckons by the time of day, and what it has in its queue when that is set back it holds for
 * as long.
 *
 * @returns in the order of `jobs`.
 * @throws the signal's reason when aborted, once every table has stopped.
 */
export async function syncOnce(
  jobs: readonly TableJob[],
  tablesAtOnce: number,
  options: (job: TableJob) => RunOptions,
  signal: AbortSignal,
): Promise<RunResult[]> {
  const limiter = new Bottleneck({ maxConcurrent: tablesAtOnce });
  const waiting = jobs.values();
  const runs: Promise<RunResult>[] = [];
  const workThrough = async (): Promise<void> => {
    for (const job of waiting) {
      if (signal.aborted) return;
      const run = job.run(options(job), signal);
      runs.push(run);
      await run.catch(() => undefined);
    }
  };
  const places = Math.min(tablesAtOnce, jobs.length);
  await Promise.all(Array.from({ length: places }, async () => limiter.schedule(workThrough)));
  signal.throwIfAborted();
  return Promise.all(runs);
}
