import type { Failure } from '../model/failure.ts';
import type { RunResult } from '../sync/run/run-outcome.ts';
import type { CommandContext } from './command.ts';

const FAILED = 1;
/** A supervisor need not start the process again, because only another version can do the work. */
const STATE_NEWER = 3;

/** The exit status for a failure that ended the command. */
export function failureStatus({ code }: Pick<Failure, 'code'>): number {
  return code === 'state-newer' ? STATE_NEWER : FAILED;
}

/** 0 if every table is up to date and has no row in quarantine, else 1. It logs which tables have such rows. */
export function exitStatus({ logger }: CommandContext, results: readonly RunResult[]): number {
  for (const { table, quarantined } of results) {
    if (quarantined === 0) continue;
    const rows = quarantined === 1 ? '1 row' : `${quarantined} rows`;
    logger.warn(
      { table, quarantined },
      `Table ${table} has ${rows} in quarantine: \`mirrorverse quarantine ${table}\` says why.`,
    );
  }
  return results.every(({ failure, quarantined }) => failure === null && quarantined === 0) ? 0 : 1;
}
