import type { TableConfig } from '../../../config/config.ts';
import { mayErase } from '../../../mirror/deletes/sweep-limits.ts';
import type { Mirror } from '../../../mirror/mirror.ts';
import { readDifferences, type VerifyMethod } from '../../../mirror/verify/verify-records.ts';
import { summaryOf, toFailure, type Failure } from '../../../model/failure.ts';
import type { TableProof } from '../../../operations/proof/table-proof.ts';
import type { LeaseKeeper } from '../../../sync/lease/lease-keeper.ts';
import type { LoadWatch } from '../../../sync/load/load-watch.ts';
import { isDatabaseAway } from '../../../sync/run/repairs.ts';
import type { RunWatch } from '../../../sync/watch/outage-log.ts';
import { RateMark } from '../../../sync/load/rate-mark.ts';
import { refreshOf } from '../../../sync/verify/refresh.ts';
import { repairDifferences } from '../../../sync/verify/repair.ts';
import { verifyTable, type VerificationResult } from '../../../sync/verify/table-verification.ts';
import { jobToVerify } from '../../../sync/verify/verified-table.ts';
import type { CommandSession } from '../../command-session.ts';
import { tableSettings } from '../../mirror-settings.ts';

/** Differences of a table that the document lists; it counts the others. */
const LISTED = 1_000;

/** Bars and result tell a failure at a terminal. Trouble of the database is told while it lasts. */
const QUIET: RunWatch = {
  failed: (_, failure) => (isDatabaseAway(failure) ? 'warn' : 'debug'),
  progressed: () => undefined,
  succeeded: () => undefined,
};

export interface ProofParts {
  readonly mirror: Mirror;
  readonly leases: LeaseKeeper;
  /** Is told how far the comparison has come, as it is told of loads. */
  readonly watch: LoadWatch;
  /** Rows of the mirror table; null if they are not known. */
  readonly expected: number | null;
}

type Proven = Pick<
  VerificationResult,
  'method' | 'hasVersions' | 'rows' | 'requests' | 'throughVersion' | 'unsettled'
>;

/** What the command's options ask for. */
export function methodOf({ context }: CommandSession): VerifyMethod {
  return context.options['values'] === true ? 'values' : 'sweep';
}

/**
 * Verifies one table, and repairs it if that is wanted. It never throws for what happens to the table: the proof says
 * so, and other tables go on.
 *
 * @throws the signal's reason when aborted.
 */
export async function proveTable(
  session: CommandSession,
  table: TableConfig,
  parts: ProofParts,
): Promise<TableProof> {
  const { signal, logger, terminal } = session.context;
  const { mirror, leases, watch } = parts;
  const { name } = table;
  const start = performance.now();
  const job = session.job(mirror, leases, table, terminal === undefined ? {} : { watch: QUIET });
  const asked = methodOf(session);
  const tellProgress = progressTeller(name, parts);
  let proof: Proven = {
    method: asked,
    hasVersions: true,
    rows: 0,
    requests: 0,
    throughVersion: null,
    unsettled: 0,
  };
  let failure: Failure | null = null;
  let hasResult = false;
  let waiting = 0;
  const onProgress = ({ rows, requests }: { readonly rows: number; readonly requests: number }): void => {
    proof = { ...proof, rows, requests };
    tellProgress(rows);
  };
  try {
    const dataverse = session.dataverse();
    // Without --repair the command writes nothing to the mirror table.
    const refresh =
      session.context.options['repair'] === true
        ? refreshOf(tableSettings(session.context.config, table), { dataverse, mirror, leases, logger })
        : undefined;
    proof = await verifyTable(
      jobToVerify(job),
      asked,
      { dataverse, mirror, holder: leases.holder, onProgress, refresh },
      signal,
    );
    hasResult = true;
    waiting = await repair(session, table, parts, proof.rows);
  } catch (error) {
    signal.throwIfAborted();
    failure = toFailure(error);
    logger.debug({ table: name, code: failure.code }, failure.message);
  }
  const milliseconds = Math.round(performance.now() - start);
  watch.ended({ table: name, failure, milliseconds });
  // What is on record of a table that could not be verified is what an earlier verification found.
  const { differences, total, open } = hasResult
    ? await readDifferences(mirror.store, name, LISTED)
    : { differences: [], total: 0, open: 0 };
  const { method, hasVersions, rows, requests, throughVersion, unsettled } = proof;
  return {
    table: name,
    method,
    hasVersions,
    throughVersion: throughVersion?.toString() ?? null,
    rows,
    requests,
    milliseconds,
    differences,
    total,
    open,
    waiting,
    unsettled,
    error: failure && summaryOf(failure),
  };
}

/** Tells the watch of each page. */
function progressTeller(table: string, { watch, expected }: ProofParts): (rows: number) => void {
  const mark = new RateMark(0, performance.now());
  return (rows) => {
    const storedAt = performance.now();
    mark.reached(rows, storedAt);
    const figures = {
      rowsLoaded: rows,
      rowsExpected: expected === null ? null : Math.max(expected, rows),
      isAtWork: true,
    };
    watch.loading(table, () => {
      const now = performance.now();
      const { rows: rowsBefore, at } = mark;
      return { ...figures, rowsBefore, seconds: (now - at) / 1_000, quietSeconds: (now - storedAt) / 1_000 };
    });
  };
}

/**
 * Repairs what was found, if that is wanted. Extra rows stay if a sweep would ask, and nobody has said yes.
 *
 * @returns how many extra rows stay.
 */
async function repair(
  session: CommandSession,
  table: TableConfig,
  { mirror, leases }: ProofParts,
  rows: number,
): Promise<number> {
  const { config, options, signal, logger } = session.context;
  if (options['repair'] !== true) return 0;
  let waiting = 0;
  const mayDelete = (extra: number): boolean => {
    const may = options['yes'] === true || mayErase({ unseen: extra, rows: rows + extra }, config.sweep);
    if (!may) waiting = extra;
    return may;
  };
  const parts = { dataverse: session.dataverse(), mirror, leases, logger };
  await repairDifferences(tableSettings(config, table), parts, mayDelete, signal);
  return waiting;
}
