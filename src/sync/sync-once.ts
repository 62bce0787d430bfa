import type { RunResult } from './run/run-outcome.ts';
import type { RunOptions, TableJob } from './run/table-job.ts';

/**
 * Makes one pass over several tables, a bounded number at once. A failing table does not stop the others.
 *
 * @returns the results in the order of `jobs`.
 * @throws the signal's reason if aborted, after every table has stopped.
 */
export async function syncOnce(
  jobs: readonly TableJob[],
  tablesAtOnce: number,
  options: (job: TableJob) => RunOptions,
  signal: AbortSignal,
): Promise<RunResult[]> {
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
  await Promise.all(Array.from({ length: places }, workThrough));
  signal.throwIfAborted();
  return Promise.all(runs);
}
