import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import type { PageRows, RowId } from '../../model/page.ts';
import { transaction } from '../connection/postgres.ts';
import { isObjectGone } from '../connection/sqlstate.ts';
import { CopyOutput } from '../copy/copy-output.ts';
import { toldByFilters } from '../page/swallowed-rows.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { readRememberedLoad } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { keysOfMirror, type MirrorTable } from '../table/mirror-table.ts';
import { ALL_INSIDE, filterVerdicts, insideFilter, type Verdicts } from './filtered-page.ts';
import { compareRows, type ValueDifference } from './compare-rows.ts';
import {
  createScratch,
  dropScratch,
  hasScratch,
  scratchTables,
  type ScratchTables,
} from './scratch-table.ts';
import {
  addValueSuspects,
  applyVerdicts,
  findSuspects,
  readSuspects,
  settleSuspects,
  type Reached,
  type Suspect,
  type Verdict,
} from './suspects.ts';
import {
  beginVerification,
  claimVerification,
  forgetDifferences,
  forgetVerification,
  readDifferences,
  readVerification,
  recordDifferences,
  recordProof,
  storeVerification,
  type Difference,
  type VerificationProgress,
  type VerifyMethod,
} from './verify-records.ts';
import { beginNextRound, openRound, recordSlice, type ValueRound } from './value-rounds.ts';
import { addVersionedKeys } from './versioned-keys.ts';
import { rowsAbove, versionBound } from './version-bound.ts';

/**
 * COMMIT does not wait for the disk. If the server crashes, the last pages are lost together with the place after them,
 * and are read again.
 */
const UNHURRIED = 'SET LOCAL synchronous_commit = off';

/**
 * Compares the rows of one table with what the source has. Each step is one transaction, and stores where the
 * verification stands: a process that is killed loses nothing but the step under way. No step needs the lease, because
 * none writes to the mirror table.
 */
export class Comparison {
  private readonly pool: pg.Pool;
  private readonly store: StateStore;
  private readonly mirror: MirrorTable;
  private readonly policy: RowPolicy;
  private readonly holder: string;
  private readonly scratch: ScratchTables;
  private readonly memory = new CopyOutput();
  /** The mirror table with its key, partition and version alone, and what its filter needs. */
  readonly keysAlone: MirrorTable;

  constructor(options: {
    readonly pool: pg.Pool;
    readonly store: StateStore;
    readonly mirror: MirrorTable;
    readonly policy: RowPolicy;
    /** Names this process. */
    readonly holder: string;
  }) {
    const { pool, store, mirror, policy, holder } = options;
    this.holder = holder;
    this.pool = pool;
    this.store = store;
    this.mirror = mirror;
    this.policy = policy;
    this.scratch = scratchTables(store, mirror);
    this.keysAlone = keysOfMirror(mirror);
  }

  private get table(): string {
    return this.mirror.table.logicalName;
  }

  /**
   * Names the load that brought the mirror's rows. Another load may bring rows of another time, or other columns.
   *
   * @param loadsEachTime each pass reads all rows, as those of a snapshot do: then each pass is a load.
   * @throws Failure
   */
  async load(loadsEachTime: boolean): Promise<string> {
    const { mark, relation } = await readRememberedLoad(this.store, this.table);
    return `${loadsEachTime ? '' : (mark?.load ?? '')}/${relation ?? ''}`;
  }

  /** Where an earlier verification stands that can go on; undefined where none can. @throws Failure */
  async resumable(method: VerifyMethod | 'either', basis: string): Promise<VerificationProgress | undefined> {
    const before = await readVerification(this.store, this.table);
    if (before?.basis !== basis || !(method === 'either' || before.method === method)) return undefined;
    return this.transaction(async (client, store) => {
      if (!(await hasScratch(client, this.scratch))) return undefined;
      await claimVerification(store, this.table, this.holder);
      return before;
    });
  }

  /** Begins a verification, in place of any other one of the table. @throws Failure */
  async begin(progress: VerificationProgress): Promise<void> {
    await this.transaction(async (client, store) => {
      // Every step locks the row of the state first, so that two processes never wait for each other.
      await beginVerification(store, this.table, this.holder, progress);
      await createScratch(client, this.scratch, this.mirror.distributed !== undefined);
    });
  }

  /**
   * Stores keys and versions of a page that has nothing else.
   *
   * @param progress after the page, if its rows are all in the filter of the table.
   * @returns the progress as it is stored.
   * @throws Failure
   */
  async addKeys(page: PageRows, progress: VerificationProgress): Promise<VerificationProgress> {
    return this.transaction(async (client, store) => {
      await client.query(UNHURRIED);
      const inside = await insideFilter(client, this.keysAlone, page, this.policy);
      const after = withoutRows(progress, page.rows - inside.rows);
      await storeVerification(store, this.table, this.holder, after);
      await addVersionedKeys(client, this.keysAlone, this.scratch, inside, this.memory);
      return after;
    });
  }

  /**
   * Compares a page of whole rows, and stores their keys and versions.
   *
   * @param progress as for `addKeys`.
   * @returns the progress as it is stored; and the rows that differ only in columns whose values change without a new
   *   version. They are no suspects.
   * @throws Failure
   */
  async addRows(
    page: PageRows,
    progress: VerificationProgress,
  ): Promise<{ readonly progress: VerificationProgress; readonly derived: readonly RowId[] }> {
    return this.transaction(async (client, store) => {
      await client.query(UNHURRIED);
      const inside = await insideFilter(client, this.mirror, page, this.policy);
      const after = withoutWholeRows(progress, page.rows - inside.rows);
      await storeVerification(store, this.table, this.holder, after);
      const differing = await compareRows(client, this.mirror, inside, this.policy);
      await addValueSuspects(
        client,
        this.scratch,
        differing.filter(({ isDerivedOnly }) => !isDerivedOnly),
      );
      await addVersionedKeys(client, this.mirror, this.scratch, inside, this.memory);
      const derived = differing.filter(({ isDerivedOnly }) => isDerivedOnly).map(({ id }) => id);
      return { progress: after, derived };
    });
  }

  /** Compares whole rows that are in the filter of the table, and stores nothing. @throws Failure */
  async compare(page: PageRows): Promise<ValueDifference[]> {
    return this.transaction(async (client) => {
      const inside = await insideFilter(client, this.mirror, page, this.policy);
      return compareRows(client, this.mirror, inside, this.policy);
    });
  }

  /**
   * Says which rows of a page the filter of the table keeps out, and which it cannot be tried with.
   *
   * @param readAs the columns that the page has.
   * @throws Failure
   */
  async tryFilter(readAs: MirrorTable, page: PageRows): Promise<Verdicts> {
    if (readAs.filter === undefined) return ALL_INSIDE;
    return this.transaction(async (client) => filterVerdicts(client, readAs, page, this.policy));
  }

  /** Joins what the source had with the mirror. @throws Failure */
  async findSuspects(reached: Reached, progress: VerificationProgress): Promise<void> {
    await this.transaction(async (client, store) => {
      await storeVerification(store, this.table, this.holder, progress);
      await findSuspects(client, store, this.mirror, this.scratch, reached);
    });
  }

  /** See `settleSuspects`. @throws Failure */
  async settle(reached: Reached): Promise<number> {
    return this.transaction(async (client, store) => {
      await storeVerification(store, this.table, this.holder);
      return settleSuspects(client, store, this.mirror, this.scratch, reached);
    });
  }

  async suspects(after: RowId | null, count: number): Promise<Suspect[]> {
    return this.transaction(async (client) => readSuspects(client, this.scratch, after, count));
  }

  /** Notes that this process still works at the verification. @throws Failure `verification-taken` */
  async keepClaim(): Promise<void> {
    await this.transaction(async (_, store) => storeVerification(store, this.table, this.holder));
  }

  /** Stores verdicts about suspects, and confirmed differences, in one transaction. @throws Failure */
  async judge(verdicts: readonly Verdict[], differences: readonly Difference[]): Promise<void> {
    await this.transaction(async (client, store) => {
      await storeVerification(store, this.table, this.holder);
      await applyVerdicts(client, this.scratch, verdicts);
      await recordDifferences(store, this.table, differences);
    });
  }

  /**
   * Records what was proven, and ends the verification.
   *
   * @returns the number of differences.
   * @throws Failure
   */
  async finish(progress: VerificationProgress, requests: number): Promise<number> {
    const { method, basis, slice, rows, begunVersion: throughVersion } = progress;
    return this.transaction(async (client, store) => {
      await storeVerification(store, this.table, this.holder);
      await forgetDifferences(store, this.mirror, progress);
      const { open: differences } = await readDifferences(store, this.table, 0);
      const ended = slice === null ? undefined : await recordSlice(store, this.table, basis, slice);
      // The sweep is recorded last: it is the newest proof of the whole table, and the values may be proven long since.
      if (ended !== undefined) {
        await recordProof(store, this.table, { method: 'values', throughVersion, differences, ...ended });
      }
      await recordProof(store, this.table, { method, throughVersion, rows, requests, differences });
      if (method === 'values') await beginNextRound(store, this.table, basis);
      await forgetVerification(store, this.table);
      await dropScratch(client, this.scratch);
      return differences;
    });
  }

  /** See `openRound`. @throws Failure */
  async round(basis: string): Promise<ValueRound> {
    return openRound(this.store, this.table, basis);
  }

  /** See `rowsAbove`. @throws Failure */
  async rowsAbove(above: bigint | null): Promise<number> {
    return this.transaction(async (client) => rowsAbove(client, this.mirror, above));
  }

  /** See `versionBound`. @throws Failure */
  async nextBound(above: bigint | null, count: number): Promise<bigint | null> {
    return this.transaction(async (client) => versionBound(client, this.mirror, above, count));
  }

  /** @throws Failure `verification-outdated` where a person has dropped a scratch table meanwhile. */
  private async transaction<T>(work: (client: pg.PoolClient, store: StateStore) => Promise<T>): Promise<T> {
    try {
      return await transaction(this.pool, async (client) => work(client, this.store.on(client)));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!isObjectGone(error)) throw await toldByFilters(this.pool, this.mirror, error);
      const has = await transaction(this.pool, async (client) => hasScratch(client, this.scratch));
      throw has ? error : scratchDropped(this.table, error);
    }
  }
}

/** The progress if some rows of its page do not count. */
function withoutRows(progress: VerificationProgress, outside: number): VerificationProgress {
  return outside === 0 ? progress : { ...progress, rows: progress.rows - outside };
}

/** The same for a page of whole rows, which count in the slice of values too. */
function withoutWholeRows(progress: VerificationProgress, outside: number): VerificationProgress {
  const { slice } = progress;
  const counted = slice && { ...slice, rows: slice.rows - outside };
  return { ...withoutRows(progress, outside), slice: counted };
}

function scratchDropped(table: string, cause: Failure): Failure {
  return new Failure({
    code: 'verification-outdated',
    message: `The scratch tables of the verification of table ${table} were dropped meanwhile.`,
    cause,
    details: { table },
  });
}
