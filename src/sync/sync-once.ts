import { Places } from '../timing/places.ts';
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
  const places = new Places(tablesAtOnce);
  const runs = jobs.map(async (job) => places.hold(signal, async () => job.run(options(job), signal)));
  await Promise.allSettled(runs);
  signal.throwIfAborted();
  return Promise.all(runs);
}
