import { createHash } from 'node:crypto';
import type { RowId } from '../../model/page.ts';
import { Failure } from '../../model/failure.ts';
import { selectionOf } from '../../model/table.ts';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import {
  ALL_VERSIONS,
  createComparisonRead,
  isWindowed,
  type VersionWindow,
} from '../../dataverse/feed/comparison-read.ts';
import { versionReached } from '../../dataverse/feed/links.ts';
import { readCheckpoint } from '../../mirror/lease/leases.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import type { Comparison } from '../../mirror/verify/comparison.ts';
import type { Reached, Suspect } from '../../mirror/verify/suspects.ts';
import type { Difference, VerificationProgress, VerifyMethod } from '../../mirror/verify/verify-records.ts';
import { CountedWork } from './counted-work.ts';
import type { RefreshRows } from './refresh.ts';
import { lookAgain } from './second-look.ts';
import type { Pace } from './share-pace.ts';
import { SourceWalk, type Reading } from './source-walk.ts';
import { comparesValues, endOfWindow, rowsOfSlice, type RollingValues } from './value-slices.ts';
import { judge } from './verdicts.ts';
import { verificationOutdated, type VerifiedTable } from './verified-table.ts';
import { VersionWindows } from './version-windows.ts';

export interface VerificationParts {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  /** Names this process. */
  readonly holder: string;
  /** Keeps the requests within a share of the budget; absent, the verification takes what is free. */
  readonly pace?: Pace;
  /** Compares values too, a slice of them with each sweep; absent, a sweep compares none. */
  readonly rolling?: RollingValues | undefined;
  /** Refreshes derived columns; absent, the verification writes nothing to the mirror table. */
  readonly refresh?: RefreshRows | undefined;
  /** What this process knows about windows of versions. */
  readonly windows?: VersionWindows;
  /** Told after each step. */
  readonly onProgress?: (progress: VerificationProgress) => void;
}

/** What a verification found. */
export interface VerificationResult {
  readonly method: VerifyMethod;
  /** Whether the rows have versions to compare. Of a table without versions, all values are compared. */
  readonly hasVersions: boolean;
  readonly throughVersion: bigint | null;
  /** Rows that the source had. */
  readonly rows: number;
  /** Rows among them whose values were compared. */
  readonly rowsByValue: number;
  readonly requests: number;
  readonly differences: number;
  /** Rows that changed at each look, so that nothing can be said of them yet. They are no differences. */
  readonly unsettled: number;
}

/** Suspects that are read together. */
const BATCH = 250;
/** Looks at a suspect at most. A row that changes between all of them is left to the next verification. */
const ROUNDS = 8;
/** How often a comparison begins anew because table, load or answers changed meanwhile. */
const BEGINNINGS = 3;

/**
 * Proves that a mirror table equals its source, or finds where it does not:
 *
 * 1. The walk reads key and version of every row of the source, or all of every row, by plain requests beside the feed.
 * 2. The join with the mirror gives suspects: rows that may differ, or that only changed meanwhile.
 * 3. Rounds of a delta, a look at the mirror and a look at the source settle the suspects or confirm them.
 *
 * With `rolling`, a sweep also compares all values of some rows, as it comes to them.
 *
 * It holds no lease and writes nothing to the mirror table, but for the refresh of derived columns. It goes on where an
 * earlier one was interrupted.
 *
 * @throws Failure. What was stored stays, and the next verification goes on.
 */
export async function verifyTable(
  table: VerifiedTable,
  method: VerifyMethod,
  parts: VerificationParts,
  signal: AbortSignal,
): Promise<VerificationResult> {
  const windows = parts.windows ?? new VersionWindows();
  for (let beginnings = 1; ; beginnings++) {
    const verification = new TableVerification(table, method, { ...parts, windows });
    const ended = await verification.run(beginnings === 1, signal);
    if (!(ended instanceof Error)) return ended;
    if (beginnings === BEGINNINGS) throw ended;
  }
}

class TableVerification {
  private readonly table: VerifiedTable;
  private readonly method: VerifyMethod;
  private readonly parts: WindowedParts;
  private readonly counted: CountedWork;

  constructor(table: VerifiedTable, method: VerifyMethod, parts: WindowedParts) {
    this.table = table;
    this.method = method;
    this.parts = parts;
    this.counted = new CountedWork(table.name, parts.dataverse, parts.pace);
  }

  /**
   * @param goesOn with an earlier verification, if there is one.
   * @returns a failure if the verification must begin anew: the mirror was loaded anew, the table has other columns, or
   *   the environment does not answer as the walk needs it.
   */
  async run(goesOn: boolean, signal: AbortSignal): Promise<VerificationResult | Failure> {
    try {
      return await this.verified(goesOn, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure && error.code === 'verification-outdated') return error;
      throw error;
    }
  }

  private async verified(goesOn: boolean, signal: AbortSignal): Promise<VerificationResult | Failure> {
    const opened = await this.open(signal);
    try {
      return await this.verify(opened, goesOn, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure)) throw error;
      if (error.reaction === 'retry') throw error;
      // A person may have changed the mirror table. The next beginning makes it fit again, or says what is wrong.
      if (error.code === 'statement-failed') return error;
      // The source refuses what names a column that is gone. The next walk names the columns that are there.
      const { basis } = await this.open(signal);
      if (basis === opened.basis) throw error;
      return error;
    }
  }

  /** Brings the table up to date, and opens it by its newest definition. */
  private async open(signal: AbortSignal): Promise<Opened> {
    const { table } = this;
    const { dataverse, mirror, holder } = this.parts;
    await table.pass(signal);
    const mirrorTable = await table.open(signal);
    const comparison = mirror.comparison(mirrorTable, holder);
    const basis = await this.basis(mirrorTable, comparison);
    const reading = (readAs: MirrorTable, what: 'keys' | 'rows'): Reading => ({
      readAs,
      source: createComparisonRead(dataverse.client, readAs.table, table.pageSize, what),
    });
    const keys = reading(comparison.keysAlone, 'keys');
    return { comparison, mirrorTable, keys, rows: reading(mirrorTable, 'rows'), basis };
  }

  private async verify(
    opened: Opened,
    goesOn: boolean,
    signal: AbortSignal,
  ): Promise<VerificationResult | Failure> {
    const { comparison, basis } = opened;
    const wanted = this.parts.rolling === undefined && isVersioned(opened) ? this.method : 'either';
    const before = goesOn ? await comparison.resumable(wanted, basis) : undefined;
    let progress = before ?? (await this.begin(opened, signal));
    if (progress.stage === 'walk') {
      const { windows, onProgress, refresh } = this.parts;
      const { counted, table } = this;
      const walk = new SourceWalk({ ...opened, table: table.name, windows, counted, refresh, onProgress });
      const walked = await walk.run(progress, signal);
      if (walked instanceof Error) return walked;
      progress = walked;
    }
    signal.throwIfAborted();
    await this.assertSame(opened);
    if (progress.stage === 'walked') {
      progress = { ...progress, stage: 'confirm', link: null };
      await comparison.findSuspects(await this.reached(opened, progress), progress);
    }
    return this.confirm(opened, progress, signal);
  }

  private async begin(opened: Opened, signal: AbortSignal): Promise<VerificationProgress> {
    signal.throwIfAborted();
    const { windows } = this.parts;
    const { comparison, basis } = opened;
    const mayUseWindows = windows.allows(this.table.name);
    const window = await this.windowOfValues(opened);
    const isAll = window !== null && !isWindowed(window);
    const slice = window === null || isAll ? null : { ...window, rows: 0, requests: 0 };
    const progress: VerificationProgress = {
      method: isAll ? 'values' : 'sweep',
      basis,
      stage: 'walk',
      link: null,
      above: null,
      upTo: mayUseWindows ? endOfWindow(null, await comparison.nextBound(null, windows.rows), slice) : null,
      begunVersion: await this.versionReached(opened),
      rows: 0,
      requests: 0,
      slice,
    };
    await comparison.begin(progress);
    return progress;
  }

  /** The row versions whose values are compared; null for none. */
  private async windowOfValues(opened: Opened): Promise<VersionWindow | null> {
    const { comparison, basis } = opened;
    const { rolling, windows } = this.parts;
    // Without versions, equal keys alone would not prove that the rows are equal.
    if (rolling === undefined) return this.method === 'values' || !isVersioned(opened) ? ALL_VERSIONS : null;
    const { throughVersion: above, ...round } = await comparison.round(basis);
    const isDivisible = windows.allows(this.table.name) && isVersioned(opened);
    const rows = await comparison.rowsAbove(above);
    const count = rowsOfSlice({ ...round, rows, pageSize: this.table.pageSize, isDivisible }, rolling);
    if (count === null) return null;
    if (!isDivisible) return ALL_VERSIONS;
    return { above, upTo: count === 'rest' ? null : await comparison.nextBound(above, count) };
  }

  /** Settles suspects or confirms them. */
  private async confirm(
    opened: Opened,
    from: VerificationProgress,
    signal: AbortSignal,
  ): Promise<VerificationResult> {
    const { comparison } = opened;
    const byValue = comparesValues(from);
    const look = { ...(byValue ? opened.rows : opened.keys), comparison, counted: this.counted, byValue };
    let { requests } = from;
    let left = (await comparison.suspects(null, 1)).length;
    for (let round = 1; left > 0 && round <= ROUNDS; round++) {
      await this.table.pass(signal);
      // The pages of the pass may have told of a column that is another one by now. Its values say nothing.
      await this.assertSame({ ...opened, mirrorTable: await this.table.open(signal) });
      const reached = await this.reached(opened, from);
      left = await comparison.settle(reached);
      for (let after: RowId | null = null; left > 0;) {
        const batch: Suspect[] = await comparison.suspects(after, BATCH);
        const last = batch.at(-1);
        if (last === undefined) break;
        after = last.id;
        const found = await lookAgain(look, batch, signal);
        requests += found.requests;
        const judged = batch.map((suspect, at) =>
          judge(suspect, found.value[at] ?? { is: 'unreadable' }, reached.now),
        );
        await comparison.judge(
          judged.map(({ verdict }) => verdict),
          judged.flatMap(({ difference }): Difference[] => (difference === undefined ? [] : [difference])),
        );
        left -= judged.filter(({ verdict }) => verdict.is !== 'again').length;
      }
    }
    const { method, rows, begunVersion: throughVersion, slice } = from;
    const rowsByValue = method === 'values' ? rows : (slice?.rows ?? 0);
    const differences = await comparison.finish(from, requests);
    return {
      method,
      hasVersions: isVersioned(opened),
      throughVersion,
      rows,
      rowsByValue,
      requests,
      differences,
      unsettled: left,
    };
  }

  /** What the comparison stands on. Another load or another selection brings other rows. */
  private async basis(mirror: MirrorTable, comparison: Comparison): Promise<string> {
    const { columns, hasMarks, table } = mirror;
    const types = columns.map(({ identifier, type }) => `${identifier} ${type}`).join(',');
    const checkpoint = await readCheckpoint(this.parts.mirror.store, this.table.name);
    const load = await comparison.load(this.table.mode === 'snapshot');
    // A process that heard of another definition first has stored another selection.
    const shape = [load, checkpoint?.selection, selectionOf(table), types, hasMarks].join('|');
    return createHash('sha256').update(shape).digest('hex');
  }

  private async assertSame({ comparison, mirrorTable, basis }: Opened): Promise<void> {
    if ((await this.basis(mirrorTable, comparison)) !== basis) throw verificationOutdated(this.table.name);
  }

  private async reached(opened: Opened, { begunVersion }: VerificationProgress): Promise<Reached> {
    return { before: begunVersion, now: await this.versionReached(opened) };
  }

  /** The row version up to which the mirror is complete; null where the link does not tell. */
  private async versionReached({ mirrorTable }: Opened): Promise<bigint | null> {
    // A number in the link of a virtual table, if there is one, is of a counter that is not known.
    if (mirrorTable.table.isVirtual === true) return null;
    const checkpoint = await readCheckpoint(this.parts.mirror.store, this.table.name);
    const link = checkpoint?.link ?? null;
    return link?.kind === 'delta' ? (versionReached(link) ?? null) : null;
  }
}

type WindowedParts = VerificationParts & { readonly windows: VersionWindows };

interface Opened {
  readonly comparison: Comparison;
  readonly mirrorTable: MirrorTable;
  readonly keys: Reading;
  readonly rows: Reading;
  readonly basis: string;
}

/** Whether the rows have versions to compare. */
function isVersioned({ mirrorTable }: Opened): boolean {
  return mirrorTable.versionField !== undefined;
}
