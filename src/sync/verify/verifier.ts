import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import {
  dueVerifications,
  type DueVerification,
  type VerifyIntervals,
} from '../../mirror/verify/due-verifications.ts';
import { DEFAULT_SWEEP_LIMITS, isMuch, mayErase } from '../../mirror/deletes/sweep-limits.ts';
import { readDifferences } from '../../mirror/verify/verify-records.ts';
import { failureFields, toFailure } from '../../model/failure.ts';
import { restAfter } from '../../timing/back-off.ts';
import { sleep } from '../../timing/sleep.ts';
import type { LeaseKeeper } from '../lease/lease-keeper.ts';
import type { TableJob } from '../run/table-job.ts';
import type { RunningTables } from '../schedule/running-tables.ts';
import { CountHints } from './count-hints.ts';
import { interruptible } from './interruptible.ts';
import { refreshOf } from './refresh.ts';
import { repairDifferences } from './repair.ts';
import { sharePace, type Pace } from './share-pace.ts';
import { verifyTable, type VerificationResult } from './table-verification.ts';
import { jobToVerify } from './verified-table.ts';
import type { RollingValues } from './value-slices.ts';
import { VersionWindows } from './version-windows.ts';

/** How the daemon verifies in the background. */
export interface VerifyWishes {
  /** Milliseconds between two sweeps of a table. */
  readonly every: number;
  /** Share of the API's limits, from 0 to 1. */
  readonly share: number;
  /** Milliseconds within which every value of a table is compared once; undefined for never. */
  readonly values: number | undefined;
  /** `report` warns of differences, `repair` mends them, `off` only records them. */
  readonly repair: 'off' | 'report' | 'repair';
}

function rollingValues(wishes: VerifyWishes | undefined): RollingValues | undefined {
  if (wishes?.values === undefined) return undefined;
  return { every: wishes.every, values: wishes.values };
}

export interface VerifierOptions {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  readonly leases: LeaseKeeper;
  readonly tables: RunningTables;
  /** The verifier asks it before each look. Undefined: the verifier does only what somebody asks for. */
  readonly wishes: () => VerifyWishes | undefined;
  readonly requestsPer5Minutes: () => number;
  /** Milliseconds between two looks for tables that are due, or that somebody asks for meanwhile. */
  readonly lookForDueEvery?: number;
  readonly logger: Logger;
}

const LOOK_EVERY = 5_000;

/**
 * Verifies the daemon's tables in the background, one after another, within its share of the budget: first those that
 * somebody asked for, then the one whose rows are clearly not as many as the environment counted, then the one whose
 * last proof is the oldest. A verification gives way to one that somebody asks for, and goes on afterwards. If several
 * processes run, the claim of a table in the state keeps them from verifying the same one.
 */
export class Verifier {
  private readonly options: VerifierOptions;
  private readonly pace: Pace;
  private readonly windows = new VersionWindows();
  private readonly hints: CountHints;
  private readonly lookForDueEvery: number;
  /** Tables whose verification failed, and until when they rest, by `performance.now()`. */
  private readonly resting = new Map<string, { readonly until: number; readonly failures: number }>();

  constructor(options: VerifierOptions) {
    this.options = options;
    const share = (): number => options.wishes()?.share ?? 1;
    this.pace = sharePace(share, options.requestsPer5Minutes);
    const { dataverse, mirror, lookForDueEvery = LOOK_EVERY } = options;
    this.lookForDueEvery = lookForDueEvery;
    this.hints = new CountHints({ client: dataverse.client, mirror, pace: this.pace });
  }

  /** @returns when aborted; the page under way is stored or rolled back. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const due = await this.next(signal);
        if (due === undefined) await sleep(this.lookForDueEvery, signal);
        else await this.verify(due, signal);
      } catch (error) {
        if (signal.aborted) return;
        const failure = toFailure(error);
        this.options.logger.debug(failureFields(failure), `Nothing could be verified. ${failure.message}`);
        await sleep(this.lookForDueEvery, signal).catch(() => undefined);
      }
    }
  }

  private async next(signal: AbortSignal): Promise<DueVerification | undefined> {
    const due = await this.due(this.options.wishes());
    const [first, second] = due;
    if (first === undefined || first.isUrgent || second === undefined) return first;
    const { tables } = this.options;
    // A count of a table that the environment does not keep itself fails, and with it those of other tables.
    // A mirror table with a filter of rows has fewer rows than the environment counts.
    const countable = tables.names().filter((name) => {
      const settings = tables.job(name)?.settings;
      return settings?.mode === 'changes' && settings.rows === undefined;
    });
    const differing = await this.hints.differing(countable, signal);
    return due.find(({ table }) => differing.has(table)) ?? first;
  }

  /** @param intervals undefined for what somebody asked for alone. */
  private async due(intervals: VerifyIntervals | undefined): Promise<DueVerification[]> {
    const { tables, mirror, leases, dataverse } = this.options;
    if (dataverse.budget.isDaySpent()) return [];
    const now = performance.now();
    const names = tables.names().filter((name) => (this.resting.get(name)?.until ?? now) <= now);
    return dueVerifications(mirror.store, names, leases.holder, intervals);
  }

  private async verify({ table: name, method }: DueVerification, signal: AbortSignal): Promise<void> {
    const { tables, logger, dataverse, mirror, leases, wishes } = this.options;
    const job = tables.job(name);
    if (job === undefined) return;
    try {
      const isOff = wishes()?.repair === 'off';
      const refresh = isOff
        ? undefined
        : refreshOf(job.settings, { dataverse, mirror, leases, logger }, this.pace);
      const table = jobToVerify(job, async (stop) => tables.runNow(name, stop));
      const parts = {
        dataverse,
        mirror,
        holder: leases.holder,
        pace: this.pace,
        windows: this.windows,
        rolling: rollingValues(wishes()),
        refresh,
      };
      // A person waits for what they asked for, and a large table takes hours. Its verification goes on at its page.
      const result = await interruptible(
        async (either) => verifyTable(table, method, parts, either),
        async () => ((await this.due(undefined))[0]?.table ?? name) !== name,
        this.lookForDueEvery,
        signal,
      );
      if (result === undefined) {
        logger.debug(
          { table: name },
          `The verification of table ${name} waits for another that was asked for.`,
        );
        return;
      }
      this.resting.delete(name);
      await this.conclude(job, result, signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      const failures = (this.resting.get(name)?.failures ?? 0) + 1;
      this.resting.set(name, { until: performance.now() + restAfter(failure, failures), failures });
      const level = failures === 1 ? 'warn' : 'debug';
      logger[level](
        { table: name, ...failureFields(failure) },
        `Table ${name} could not be verified. ${failure.message} It is tried again by itself.`,
      );
    }
  }

  /** Tells what was found, and repairs it where that is wanted. */
  private async conclude(job: TableJob, result: VerificationResult, signal: AbortSignal): Promise<void> {
    const { dataverse, mirror, leases, logger, wishes } = this.options;
    const { name } = job.settings;
    const { rows, rowsByValue, requests, method, throughVersion, differences } = result;
    const fields = { table: name, method, rows, rowsByValue, requests, differences };
    if (differences === 0) {
      const through = throughVersion === null ? '' : ` through version ${throughVersion}`;
      const values =
        rowsByValue === 0 || method === 'values' ? '' : `, and all values of ${rowsByValue} rows`;
      logger.info(fields, `Table ${name} equals its source${through}: ${rows} rows, by ${method}${values}.`);
      return;
    }
    const policy = wishes()?.repair ?? 'report';
    const sweep = mirror.options.sweep ?? DEFAULT_SWEEP_LIMITS;
    const remedy = `See them with \`mirrorverse verify ${name}\`; \`mirrorverse verify ${name} --repair\` mends them.`;
    if (policy === 'repair' && !isMuch(differences, rows, sweep)) {
      const repaired = await repairDifferences(
        job.settings,
        { dataverse, mirror, leases, logger },
        // A lost privilege makes rows look deleted, as it does before a sweep.
        (extra) => mayErase({ unseen: extra, rows: rows + extra }, sweep),
        signal,
        this.pace,
      );
      const { open } = await readDifferences(mirror.store, name, 0);
      const left =
        open === 0 ? '' : ` ${open} still differ: they wait for a yes, or cannot be read or stored.`;
      logger.warn(
        { ...fields, repaired, open, ...(open === 0 ? {} : { remedy }) },
        `${repaired} rows of table ${name} differed and are repaired.${left}`,
      );
      return;
    }
    if (policy === 'off') return;
    logger.warn({ ...fields, remedy }, `${differences} rows of table ${name} differ from the source.`);
  }
}
