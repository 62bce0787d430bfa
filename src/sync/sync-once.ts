import Bottleneck from 'bottleneck';
import type { RunOptions, RunResult, TableJob } from './table-job.ts';

/**
 * One pass over several tables, a bounded number at once. A failing table does not keep the others
 * from finishing.
 *
 * @throws the signal's reason when aborted, once every table has stopped.
 */
export async function syncOnce(
  jobs: readonly TableJob[],
  tablesAtOnce: number,
  options: (job: TableJob) => RunOptions,
  signal: AbortSignal,
): Promise<RunResult[]> {
  const limiter = new Bottleneck({ maxConcurrent: tablesAtOnce });
  const runs = jobs.map(async (job) =>
    limiter.schedule(async () => {
      signal.throwIfAborted();
      return job.run(options(job), signal);
    }),
  );
  const settled = await Promise.allSettled(runs);
  signal.throwIfAborted();
  return settled.map((run) => {
    if (run.status === 'rejected') throw run.reason;
    return run.value;
  });
}
