import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import { Failure } from '../../model/failure.ts';
import type { RunResult } from '../run/run-outcome.ts';
import type { TableJob } from '../run/table-job.ts';

/** What a verification needs of the table's job. */
export interface VerifiedTable {
  readonly name: string;
  readonly pageSize: number;
  readonly mode: 'changes' | 'snapshot';
  /** Brings the table up to date, by a delta that begins after the call. @throws Failure */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  /**
   * The mirror table, as it fits the source's definition.
   *
   * @throws Failure `verification-outdated` if it fits only now, and a run must fill it.
   */
  readonly open: (signal: AbortSignal) => Promise<MirrorTable>;
}

/**
 * The table of a job, to be verified. A run that did nothing proves nothing: a load that waits for its place, or a table
 * that has left the configuration.
 *
 * @param run begins a run of the job after the call.
 */
export function jobToVerify(
  job: TableJob,
  run: (signal: AbortSignal) => Promise<RunResult | undefined> = async (signal) => job.run({}, signal),
): VerifiedTable {
  const { name, pageSize, mode } = job.settings;
  return {
    name,
    pageSize,
    mode,
    async pass(signal) {
      const result = await run(signal);
      if (result !== undefined && result.failure !== null) throw result.failure;
      if (result === undefined || result.deferred) throw verificationOutdated(name);
    },
    async open(signal) {
      const mirrorTable = await job.open(signal);
      if (mirrorTable === undefined) throw verificationOutdated(name);
      return mirrorTable;
    },
  };
}

/** The verification must begin anew. */
export function verificationOutdated(table: string): Failure {
  return new Failure({
    code: 'verification-outdated',
    message: `Table ${table} was loaded anew or got other columns while it was verified.`,
    details: { table },
  });
}
