import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { DETAIL_REQUESTS, readAuditDetail } from '../../dataverse/audit/audit-detail.ts';
import { auditState, dueDetails, type DetailPlace, type DueDetail } from '../../mirror/audit/detail-queue.ts';
import {
  dropOrphans,
  dropUnwanted,
  storeDetail,
  type DetailOutcome,
} from '../../mirror/audit/detail-store.ts';
import { leaveWork, takeWork } from '../../mirror/lease/sole-work.ts';
import { ATTRIBUTE_DETAIL, type AuditDetail } from '../../model/audit/audited-values.ts';
import { Failure, failureFields, toFailure } from '../../model/failure.ts';
import { fitsPattern } from '../../model/name-pattern.ts';
import { restAfter } from '../../timing/back-off.ts';
import { sleep } from '../../timing/sleep.ts';
import type { ColumnSelection } from '../tables/table-selection.ts';
import { CountedWork } from '../verify/counted-work.ts';
import { sharePace, type Pace } from '../verify/share-pace.ts';

/** Which audit rows have their details read. */
export interface AuditWishes {
  /** Logical names of the tables whose audit rows have details. */
  readonly details: readonly string[];
  /** Share of the API's limits, from 0 to 1. */
  readonly share: number;
}

export interface DetailReaderOptions {
  readonly dataverse: Dataverse;
  readonly mirror: DetailPlace;
  /** Names this process. */
  readonly holder: string;
  /** Asked before each look; undefined: no details are wanted. */
  readonly wishes: () => AuditWishes | undefined;
  /** What the configuration says of a table's attributes; undefined for a table that it does not mean. */
  readonly columnsOf: (table: string) => ColumnSelection | undefined;
  readonly requestsPer5Minutes: () => number;
  /** Milliseconds between two looks for audit rows that are due. */
  readonly lookEvery?: number;
  readonly logger: Logger;
}

const LOOK_EVERY = 5_000;
/** Milliseconds for which a process keeps the right to read details without saying that it lives. */
const CLAIM = 60_000;
const CLAIM_EVERY = CLAIM / 3;
/** Milliseconds after which the tables are compared although no run has told of a change. */
const COMPARE_EVERY = 3_600_000;
/** Audit rows of one look. */
const BATCH = 500;
/** Refusals in a row after which the privilege is missing, and not the right to one row. */
const MOST_REFUSALS = 20;
/** Milliseconds of rest after so many refusals. */
const REFUSED_REST = 3_600_000;

/**
 * Reads the details of the mirrored audit rows of the chosen tables, one request a row, within a share of the API's limits.
 * It finds what is due by a comparison of the mirror table `audit` with what was read, so a stop at any moment loses
 * nothing. Of several processes, one reads.
 */
export class DetailReader {
  private readonly options: DetailReaderOptions;
  private readonly pace: Pace;
  private readonly counted: CountedWork;
  /** What the last comparison without a due row was made with, and when, by `performance.now()`. */
  private done: { readonly basis: unknown; readonly at: number } | undefined;
  /** The selections for which stored values were last looked through. */
  private tidiedFor: unknown;
  private refusals = 0;
  private failures = 0;

  constructor(options: DetailReaderOptions) {
    this.options = options;
    this.pace = sharePace(() => options.wishes()?.share ?? 1, options.requestsPer5Minutes);
    this.counted = new CountedWork(DETAIL_REQUESTS, options.dataverse, this.pace);
  }

  /** @returns when aborted; the detail under way is stored or given up. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, lookEvery = LOOK_EVERY, mirror, holder } = this.options;
    while (!signal.aborted) {
      let rest = lookEvery;
      try {
        await this.look(signal);
        this.failures = 0;
        if (this.refusals >= MOST_REFUSALS) {
          this.refusals = 0;
          rest = REFUSED_REST;
        }
      } catch (error) {
        if (signal.aborted) break;
        const failure = toFailure(error);
        this.failures++;
        rest = Math.max(lookEvery, restAfter(failure, this.failures));
        logger[this.failures === 1 ? 'warn' : 'debug'](
          failureFields(failure),
          `Details of audit rows could not be read. ${failure.message} It is tried again by itself.`,
        );
      }
      await sleep(rest, signal).catch(() => undefined);
    }
    await leaveWork({ store: mirror.store, holder }, 'audit-details').catch(() => undefined);
  }

  /** Reads all details that are due, if this process may. */
  private async look(signal: AbortSignal): Promise<void> {
    const { mirror, dataverse } = this.options;
    const wishes = this.options.wishes();
    if (wishes === undefined || wishes.details.length === 0 || dataverse.budget.isDaySpent()) return;
    const state = await auditState(mirror);
    if (state === undefined) return;
    const basis = [state, wishes.details, wishes.details.map((table) => this.options.columnsOf(table))];
    const { done } = this;
    if (done !== undefined && isDeepStrictEqual(done.basis, basis)) {
      if (performance.now() - done.at < COMPARE_EVERY) return;
    }
    if (!(await this.claim())) return;
    if (state.isLoaded) await dropOrphans(mirror, signal);
    await this.tidy(basis[2], signal);
    if (await this.readAll(wishes, signal)) this.done = { basis, at: performance.now() };
  }

  /** Deletes values that the configuration does not want any more. */
  private async tidy(selections: unknown, signal: AbortSignal): Promise<void> {
    if (isDeepStrictEqual(this.tidiedFor, selections)) return;
    await dropUnwanted(this.options.mirror, (table, attribute) => this.isKept(table, attribute), signal);
    this.tidiedFor = selections;
  }

  /** @returns whether nothing is due any more; false if the next look has to go on. */
  private async readAll(wishes: AuditWishes, signal: AbortSignal): Promise<boolean> {
    const { mirror, dataverse, logger } = this.options;
    let claimedAt = performance.now();
    let read = 0;
    for (;;) {
      const due = await dueDetails(mirror, wishes.details, BATCH, signal);
      for (const each of due) {
        // After a change of the configuration, the next look finds what is due by it.
        if (!isDeepStrictEqual(this.options.wishes()?.details, wishes.details)) return false;
        if (dataverse.budget.isDaySpent()) return false;
        await this.wait(signal);
        if (performance.now() - claimedAt > CLAIM_EVERY) {
          if (!(await this.claim())) return false;
          claimedAt = performance.now();
        }
        await storeDetail(mirror, each.auditId, await this.read(each, signal), signal);
        if (this.refusals >= MOST_REFUSALS) {
          logger.warn(
            { code: 'privilege-missing' },
            `The environment refused ${MOST_REFUSALS} details of audit rows in a row. Give the security role prvReadRecordAuditHistory and prvReadAuditSummary. They are asked for again in an hour.`,
          );
          return false;
        }
      }
      read += due.length;
      if (due.length < BATCH) break;
    }
    if (read > 0) logger.info({ table: 'audit', read }, `Details of ${read} audit rows are stored.`);
    return true;
  }

  /** Takes or keeps the right to read details, which one process has. Two would only read details twice. */
  private async claim(): Promise<boolean> {
    const { mirror, holder } = this.options;
    return takeWork({ store: mirror.store, holder }, 'audit-details', CLAIM);
  }

  /** Waits for the share, and keeps the right to read meanwhile: with a small share that may take minutes. */
  private async wait(signal: AbortSignal): Promise<void> {
    const claim = setInterval(() => void this.claim().catch(() => false), CLAIM_EVERY);
    try {
      await this.pace.wait(signal);
    } finally {
      clearInterval(claim);
    }
  }

  /** What the environment answers about one audit row. @throws Failure for trouble that is not about the row. */
  private async read({ auditId, table }: DueDetail, signal: AbortSignal): Promise<DetailOutcome> {
    const { client } = this.options.dataverse;
    try {
      const { value } = await this.counted.run(signal, async () => readAuditDetail(client, auditId, signal));
      this.refusals = 0;
      return { is: 'stored', detail: this.wanted(table, value) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure) || error.reaction === 'retry' || error.reaction === 'stop-process') {
        throw error;
      }
      const { status, errorCode } = error.details;
      if (status === 404) return { is: 'gone' };
      if (status === undefined) throw error;
      this.refusals++;
      return { is: 'refused', errorCode: typeof errorCode === 'string' ? errorCode : null };
    }
  }

  private wanted(table: string, detail: AuditDetail): AuditDetail {
    if (detail.kind !== ATTRIBUTE_DETAIL) return detail;
    return { ...detail, values: detail.values.filter(({ attribute }) => this.isKept(table, attribute)) };
  }

  /** Whether an attribute of a table may stand in the details: not if its column is left out or hashed. */
  private isKept(table: string, attribute: string): boolean {
    const selection = this.options.columnsOf(table);
    if (selection === undefined) return true;
    const fits = (patterns: readonly string[]): boolean =>
      patterns.some((pattern) => fitsPattern(attribute, pattern));
    return fits(selection.include) && !fits(selection.exclude) && !fits(selection.hash);
  }
}
