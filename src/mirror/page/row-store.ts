import type pg from 'pg';
import type { PageRows, RowId } from '../../model/page.ts';
import { dropStage, tryRows, type Filtered, type Trial } from '../filter/filter-stage.ts';
import { assertLeft, leave, leavingKeys } from '../filter/leaving-rows.ts';
import { BadRows, describeRefusal, describeUntried } from '../quarantine/bad-rows.ts';
import { binaryPieces } from '../copy/copy-binary.ts';
import { CopyOutput } from '../copy/copy-output.ts';
import {
  type CopiedRows,
  type CopyOptions,
  copyPieces,
  type CopyText,
  toCopyText,
} from '../copy/copy-text.ts';
import { copy, copyLines, withStorable } from '../copy/copy.ts';
import {
  copyInto,
  type CopyTarget,
  createStaging,
  dropStaging,
  hasColumnTypes,
  insertStaged,
  type StagedMode,
  unstage,
  updateStaged,
} from './merge-sql.ts';
import { areStorable, judgeLackingRows, keepTypes, type LookupColumns } from './lacking-rows.ts';
import { mergePieces } from './merge-pieces.ts';
import { mergeSeparately } from './merge-separately.ts';
import type { MirrorFilter, MirrorTable } from '../table/mirror-table.ts';
import { inSavepoint, type PostgresConnection } from '../connection/postgres.ts';
import type { QuarantinedRow } from '../quarantine/quarantined-rows.ts';
import { rowKey, rowKeys, supersededRows } from './row-key.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { isBehindPooler } from '../connection/session.ts';
import { isMismatchOfTypes, isRowError, type PostgresError } from '../connection/sqlstate.ts';
import { assertWritten, rowsSwallowed } from './swallowed-rows.ts';
import { findUnchanged } from './unchanged-rows.ts';

export interface StoredRows {
  readonly written: number;
  /** Rows that were deleted because the filter of the table keeps them out. */
  readonly left: number;
  /** Keys of rows outside of the filter, which the sweep deletes: only with `sweepsOutside`. */
  readonly outside: readonly RowId[];
  readonly quarantined: readonly QuarantinedRow[];
}

/** How a page's rows are brought together with the rows of the mirror table. */
export interface StoreMode {
  /** A first load: its rows should be new, so they go straight into the mirror table. */
  readonly append: boolean;
  /** A re-baseline's load: a row of the same version is written too where its values differ. */
  readonly rewrite: boolean;
  /** The table that collects the keys a re-baseline has seen; undefined outside of one. */
  readonly seenKeysTable: string | undefined;
  /** The environment went back in time: versions of rows that were not seen yet mean nothing. */
  readonly rewound: boolean;
  /**
   * Rows outside of the filter stay until the sweep: a re-baseline over another filter would otherwise take the rows of
   * the former one away long before it has brought those of its own.
   */
  readonly sweepsOutside: boolean;
  /** Triggers of others may undo what is written, even where PostgreSQL reports it as written. */
  readonly watched: boolean;
  /** Share of the rows, from 0 to 1, that may be bad. */
  readonly maxShare: number;
}

/** What went through COPY. */
interface CopyOutcome {
  /** Rows that were sent. */
  readonly rows: number;
  /** Rows that PostgreSQL says it took. */
  readonly taken: number;
  /** The rows as text; undefined where they went in binary. Only whole pages go in binary. */
  readonly text: CopiedRows | undefined;
}

/** Pages that may fail in binary before a run goes on with text. */
const PAGES_IN_VAIN = 3;

/** Puts the rows of pages into one mirror table, on one connection that keeps its staging table. */
export class RowStore {
  private readonly mirror: MirrorTable;
  private readonly policy: RowPolicy;
  private readonly memory = new CopyOutput();
  private hasStaging = false;
  /** The table in which rows are tried against the filter is there. */
  private hasStage = false;
  private pagesInVain = 0;
  /** Lookups for which some rows of the page under way came without the name of the table. */
  private untyped: readonly LookupColumns[] = [];

  constructor(mirror: MirrorTable, policy: RowPolicy) {
    this.mirror = mirror;
    this.policy = policy;
  }

  /**
   * Stores a page's rows in the client's transaction.
   *
   * @throws Failure `too-many-bad-rows`; the transaction is then to be rolled back.
   */
  async store(client: pg.PoolClient, page: PageRows, mode: StoreMode): Promise<StoredRows> {
    if (page.rows === 0) return { ...NOTHING, quarantined: [] };
    try {
      // Rows that went straight into the mirror table cannot be checked there afterwards.
      const appended = mode.append && !mode.watched ? await this.append(client, page) : undefined;
      return appended ?? (await this.merge(client, page, mode));
    } finally {
      this.memory.shrink();
    }
  }

  /** Drops the staging table before the connection goes back to the pool. Mostly there is none. */
  async close(connection: PostgresConnection): Promise<void> {
    const { mirror, hasStaging, hasStage } = this;
    if (!hasStaging && !hasStage) return;
    this.hasStaging = false;
    this.hasStage = false;
    await connection.transaction(async (client) => {
      if (hasStaging) await client.query(dropStaging(mirror));
      if (hasStage) await dropStage(client, mirror);
    });
  }

  /**
   * Copies into the mirror table itself, which is half the work of staging and merging. A row that is there
   * already, comes twice or cannot be stored makes the whole COPY fail; then nothing is done.
   */
  private async append(client: pg.PoolClient, page: PageRows): Promise<StoredRows | undefined> {
    const { mirror } = this;
    // Without a primary key, the mirror table itself would take rows that have no key.
    if (mirror.partitionField !== undefined && rowKeys(mirror, page).includes(null)) return undefined;
    if (!areStorable(mirror, page)) return undefined;
    const skip = await this.outsideOf(client, page);
    if (skip === undefined) return undefined;
    const options = { skip, memory: this.memory, policy: this.policy };
    const allTaken = async (copied: CopyOutcome): Promise<void> => {
      assertStorable(copied);
      const { rows, taken } = copied;
      if (taken < rows) throw await rowsSwallowed(client, mirror, rows - taken);
    };
    const { failed } = await this.copied(client, 'mirror', page, options, allTaken, isReasonToMerge);
    if (failed !== undefined) return undefined;
    return { ...NOTHING, written: page.rows - skip.size, quarantined: [] };
  }

  /** The rows of a first load that the filter keeps out; undefined where the page needs a closer look. */
  private async outsideOf(client: pg.PoolClient, page: PageRows): Promise<ReadonlySet<number> | undefined> {
    const { mirror } = this;
    if (mirror.filter === undefined) return new Set();
    const keys = rowKeys(mirror, page);
    if (keys.includes(null) || supersededRows(mirror, page, keys).size > 0) return undefined;
    const { outside, untried } = await this.tried(client, mirror.filter, { page, keys, skip: new Set() });
    return untried.length === 0 ? outside : undefined;
  }

  private async tried(
    client: pg.PoolClient,
    filter: MirrorFilter,
    trial: Pick<Trial, 'page' | 'keys' | 'skip' | 'untyped'>,
  ): Promise<Filtered> {
    const isShared = isBehindPooler(client);
    const onCommit = isShared ? 'DROP' : 'DELETE ROWS';
    const filtered = await tryRows(client, this.mirror, filter, { ...trial, policy: this.policy, onCommit });
    this.hasStage = !isShared;
    return filtered;
  }

  /**
   * Copies a page's rows into a table and runs `work` with them. Both happen in a savepoint that is rolled
   * back when they fail as expected. The rows go in binary, or as text where a value is not plain.
   */
  private async copied<E>(
    client: pg.PoolClient,
    target: CopyTarget,
    page: PageRows,
    options: CopyOptions,
    work: (copied: CopyOutcome) => Promise<void>,
    isExpected: (error: unknown) => error is E,
  ): Promise<{ readonly failed: E | undefined; readonly text: CopiedRows | undefined }> {
    const { mirror } = this;
    if (this.pagesInVain < PAGES_IN_VAIN) {
      const inBinary = async (): Promise<void> => {
        const pieces = binaryPieces(page, mirror.columns, options);
        const { sent: rows, taken } = await copy(client, copyInto(mirror, target, 'binary'), pieces);
        // The types are read only after the COPY: before it, the table was not locked, and another session
        // could still alter it.
        const { rows: found } = await client.query<{ expected: boolean }>(hasColumnTypes(mirror, target));
        if (rows === undefined || found[0]?.expected !== true) throw new OnlyAsText();
        await work({ rows, taken, text: undefined });
      };
      const isEither = (error: unknown): error is E | OnlyAsText | PostgresError =>
        isReasonForText(error) || isExpected(error);
      const failed = await inSavepoint(client, inBinary, isEither);
      if (failed === undefined || !isReasonForText(failed)) return { failed, text: undefined };
      this.pagesInVain++;
    }
    let text: CopiedRows | undefined;
    const asText = async (): Promise<void> => {
      const pieces = copyPieces(page, mirror.columns, options);
      const { sent, taken } = await copy(client, copyInto(mirror, target, 'text'), pieces);
      text = sent;
      await work({ rows: sent.rows.length, taken, text });
    };
    const failed = await inSavepoint(client, asText, isExpected);
    return { failed, text };
  }

  private async merge(client: pg.PoolClient, page: PageRows, mode: StoreMode): Promise<StoredRows> {
    const { mirror } = this;
    const bad = new BadRows(mirror, page, mode.maxShare);
    const keys = rowKeys(mirror, page);
    const skip = new Set(supersededRows(mirror, page, keys));
    for (const [row, key] of keys.entries()) {
      if (key !== null || skip.has(row)) continue;
      skip.add(row);
      bad.add(row, 'no key that is a GUID', null);
    }
    const overUnseen = mode.rewound ? mode.seenKeysTable : undefined;
    const { hashKey } = this.policy;
    const lacking = await judgeLackingRows(client, mirror, page, keys, skip, hashKey, overUnseen);
    for (const [row, reason] of lacking.refused) {
      skip.add(row);
      bad.add(row, reason, null);
    }
    this.untyped = lacking.untyped;
    const options = { skip, memory: this.memory, policy: this.policy };
    const gone = await this.leaveFilter(client, { page, keys, skip, untyped: this.untyped }, mode, bad);
    if (mode.rewrite) {
      for (const row of await findUnchanged(client, mirror, page, keys, options)) skip.add(row);
    }
    if (skip.size === page.rows) return { ...gone, written: 0, quarantined: bad.rows };
    // The staging table is created for each page, because a transaction that rolled back took it away. Behind
    // a pooler the next transaction may run on another backend, and this backend may then serve another
    // client.
    const isShared = isBehindPooler(client);
    if (mirror.distributed === undefined) {
      await client.query(createStaging(mirror, isShared ? 'DROP' : 'DELETE ROWS'));
      this.hasStaging = !isShared;
    }
    let written = 0;
    const mergeAll = async ({ rows }: CopyOutcome): Promise<void> => {
      if (rows > 0) written = await this.mergeStaging(client, mode, rows);
    };
    const { failed, text } = await this.copied(client, 'staging', page, options, mergeAll, isRowError);
    if (failed === undefined && text === undefined) {
      await this.emptyStaging(client);
      return { ...gone, written, quarantined: bad.rows };
    }
    const copyText = failed === undefined ? undefined : toCopyText(page, mirror.columns, options);
    for (const { row, column, reason } of (copyText ?? text)?.unstorable ?? [])
      bad.add(row, `column ${column}: ${reason}`, null);
    if (copyText !== undefined) written = await this.mergeStorable(client, page, copyText, mode, bad);
    await this.emptyStaging(client);
    return { ...gone, written, quarantined: bad.rows };
  }

  /**
   * Tries the rows against the filter of the table, and deletes rows of the mirror that have left it. Rows outside of
   * the filter, and rows that cannot be tried, are skipped from then on.
   */
  private async leaveFilter(
    client: pg.PoolClient,
    trial: Pick<Trial, 'page' | 'keys' | 'untyped'> & { readonly skip: Set<number> },
    mode: StoreMode,
    bad: BadRows,
  ): Promise<Pick<StoredRows, 'left' | 'outside'>> {
    const { mirror } = this;
    if (mirror.filter === undefined) return NOTHING;
    const { outside, untried } = await this.tried(client, mirror.filter, trial);
    for (const { row, error } of untried) bad.add(row, describeUntried(error), error.code);
    const { overUnseen } = stagedMode(mode);
    let gone: Pick<StoredRows, 'left' | 'outside'> = NOTHING;
    if (outside.size > 0) {
      if (mode.sweepsOutside) gone = { left: 0, outside: await leavingKeys(client, mirror, overUnseen) };
      else gone = { left: await leave(client, mirror, overUnseen), outside: [] };
      if (mode.watched && !mode.sweepsOutside) await assertLeft(client, mirror, overUnseen);
    }
    for (const row of outside) trial.skip.add(row);
    for (const { row } of untried) trial.skip.add(row);
    return gone;
  }

  /** A staging table that is not temporary keeps its rows, and no row may stay beside the mirror table. */
  private async emptyStaging(client: pg.PoolClient): Promise<void> {
    if (this.mirror.distributed !== undefined) await client.query(unstage(this.mirror, 'true'));
  }

  /** @param staged rows in the staging table. @returns how many of them were written. */
  private async mergeStaging(client: pg.PoolClient, mode: StoreMode, staged: number): Promise<number> {
    const { mirror } = this;
    const { rewrite, overUnseen } = stagedMode(mode);
    for (const lookup of this.untyped) await client.query(keepTypes(mirror, lookup));
    const changed = (await client.query(updateStaged(mirror, rewrite, overUnseen))).rowCount ?? 0;
    // A delta mostly changes rows that are there. The INSERT runs all the same, because a key that is missing
    // from the table must be noticed.
    const mayBeMissing = changed < staged;
    const inserted = await client.query(insertStaged(mirror, rewrite, overUnseen), [mayBeMissing]);
    const written = changed + (inserted.rowCount ?? 0);
    // The rows that were not written are older than the mirror's, or a trigger or rule of somebody keeps them
    // out.
    if (written < staged || mode.watched) await assertWritten(client, mirror, stagedMode(mode));
    return written;
  }

  /**
   * Merges the rows that PostgreSQL accepts from a page that it refused as a whole. A value of a wrong type
   * is refused at the COPY. All other trouble shows only at the merge: constraints and indexes that somebody
   * added, or a row wider than a page.
   */
  private async mergeStorable(
    client: pg.PoolClient,
    page: PageRows,
    copyText: CopyText,
    mode: StoreMode,
    bad: BadRows,
  ): Promise<number> {
    const { mirror } = this;
    const keys = new Map<string, number>();
    for (const row of copyText.rows) keys.set(rowKey(mirror, page, row) ?? '', row);
    const stage = async (lines: readonly number[]): Promise<void> =>
      copyLines(client, copyInto(mirror, 'staging', 'text'), copyText, lines);
    await withStorable(client, Array.from(copyText.rows.keys()), stage, (line, error) =>
      bad.add(copyText.rows[line] ?? 0, describeRefusal(error), error.code),
    );
    for (const lookup of this.untyped) await client.query(keepTypes(mirror, lookup));
    const merge = mirror.distributed === undefined ? mergePieces : mergeSeparately;
    const { written, refused } = await merge(client, mirror, stagedMode(mode), bad.room);
    for (const refusal of refused) {
      const row = keys.get(refusal.key);
      if (row === undefined) throw new TypeError('A row was refused that is not of the page.');
      bad.add(row, describeRefusal(refusal), refusal.code);
    }
    await assertWritten(client, mirror, stagedMode(mode));
    return written;
  }
}

function stagedMode({ rewrite, rewound, seenKeysTable }: StoreMode): StagedMode {
  return { rewrite, overUnseen: rewound ? seenKeysTable : undefined };
}

const NOTHING = { written: 0, left: 0, outside: [] } as const;

/** A value has no plain binary form, or a column has another type than the one it was made with. */
class OnlyAsText extends Error {}

function isReasonForText(error: unknown): error is OnlyAsText | PostgresError {
  return error instanceof OnlyAsText || isMismatchOfTypes(error);
}

function assertStorable({ text }: CopyOutcome): void {
  if (text !== undefined && text.unstorable.length > 0) throw new UnstorableRows();
}

/** Some rows of the page go to quarantine; the other rows do not fail because of them. */
class UnstorableRows extends Error {}

function isReasonToMerge(error: unknown): error is Error {
  return error instanceof UnstorableRows || isRowError(error);
}
