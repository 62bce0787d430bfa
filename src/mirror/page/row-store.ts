import type pg from 'pg';
import type { PageRows } from '../../model/page.ts';
import { BadRows } from '../quarantine/bad-rows.ts';
import { binaryPieces } from '../copy/copy-binary.ts';
import { CopyMemory } from '../copy/copy-memory.ts';
import {
  copyPieces,
  toCopyText,
  type CopiedRows,
  type CopyOptions,
  type CopyText,
} from '../copy/copy-text.ts';
import { copy, copyLines, withStorable } from '../copy/copy.ts';
import {
  copyInto,
  createStaging,
  dropStaging,
  hasColumnTypes,
  insertStaged,
  mergeStaged,
  rememberStaged,
  updateStaged,
  type CopyTarget,
  type StagedMode,
} from './merge-sql.ts';
import { areStorable, judgeLackingRows } from './lacking-rows.ts';
import { keepTypes, type LookupColumns } from './lacking-sql.ts';
import { mergePieces } from './merge-pieces.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { PostgresConnection } from '../connection/postgres.ts';
import type { QuarantinedRow } from '../quarantine/quarantined-rows.ts';
import { rowKey, rowKeys } from './row-key.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import { describeRefusal } from '../quarantine/row-refusal.ts';
import { inSavepoint } from '../connection/savepoint.ts';
import { isBehindPooler } from '../connection/session.ts';
import { isMismatchOfTypes, isRowError, type PostgresError } from '../connection/sqlstate.ts';
import { assertWritten, rowsSwallowed } from './swallowed-rows.ts';
import { supersededRows } from './superseded-rows.ts';

export interface StoredRows {
  readonly written: number;
  readonly quarantined: readonly QuarantinedRow[];
}

/** How a page's rows meet the rows that are there. */
export interface StoreMode {
  /** A first load: the rows are expected to be new, so they go straight into the mirror table. */
  readonly append: boolean;
  /** A re-baseline's load: rows of the same version are written too where they differ. */
  readonly rewrite: boolean;
  /** Where to remember the rows' keys for a sweep. */
  readonly remember: string | undefined;
  /** Versions of rows that are not remembered yet mean nothing: the environment went back in time. */
  readonly rewound: boolean;
  /** Triggers of others may undo what is written, be it told as written or not. */
  readonly watched: boolean;
  /** Share of the rows, from 0 to 1, that may be bad. */
  readonly maxShare: number;
}

/** What COPY was given. */
interface Copied {
  /** How many rows. */
  readonly rows: number;
  /** How many of them PostgreSQL says it took. */
  readonly taken: number;
  /** As text; undefined where they went in binary, which only whole pages do. */
  readonly text: CopiedRows | undefined;
}

/** Pages that are tried in binary in vain before a run goes on with text. */
const PAGES_IN_VAIN = 3;

/** Puts the rows of pages into one mirror table, on one connection that keeps its staging table. */
export class RowStore {
  private readonly mirror: MirrorTable;
  private readonly policy: RowPolicy;
  private readonly memory = new CopyMemory();
  private hasStaging = false;
  private pagesInVain = 0;
  /** Lookups of which some rows of the page that is being merged came without the table. */
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
    if (page.rows === 0) return { written: 0, quarantined: [] };
    try {
      // What went straight into the mirror table cannot be looked for there afterwards.
      const appended = mode.append && !mode.watched ? await this.append(client, page) : undefined;
      return appended ?? (await this.merge(client, page, mode));
    } finally {
      this.memory.shrink();
    }
  }

  /** Forgets the staging table, of a connection that goes back to the pool. Mostly there is none. */
  async close(connection: PostgresConnection): Promise<void> {
    if (!this.hasStaging) return;
    this.hasStaging = false;
    await connection.transaction(async (client) => client.query(dropStaging(this.mirror)));
  }

  /**
   * COPY into the mirror table itself, half the work of staging and merging. Any row that is there
   * already, comes twice, or cannot be stored makes it fail as a whole; then nothing is done.
   */
  private async append(client: pg.PoolClient, page: PageRows): Promise<StoredRows | undefined> {
    const { mirror } = this;
    // Without a primary key the mirror table itself would take rows that have no key.
    if (mirror.partitionField !== undefined && rowKeys(mirror, page).includes(null)) return undefined;
    if (!areStorable(mirror, page)) return undefined;
    const options = { memory: this.memory, policy: this.policy };
    const allTaken = async (copied: Copied): Promise<void> => {
      assertStorable(copied);
      const { rows, taken } = copied;
      if (taken < rows) throw await rowsSwallowed(client, mirror, rows - taken);
    };
    const { failed } = await this.copied(client, 'mirror', page, options, allTaken, isReasonToMerge);
    return failed === undefined ? { written: page.rows, quarantined: [] } : undefined;
  }

  /**
   * Copies a page's rows into a table and does `work` with them, in a savepoint that is taken back when
   * it fails as expected. In binary, or where a value is not plain, as text.
   */
  private async copied<E>(
    client: pg.PoolClient,
    target: CopyTarget,
    page: PageRows,
    options: CopyOptions,
    work: (copied: Copied) => Promise<void>,
    isExpected: (error: unknown) => error is E,
  ): Promise<{ readonly failed: E | undefined; readonly text: CopiedRows | undefined }> {
    const { mirror } = this;
    if (this.pagesInVain < PAGES_IN_VAIN) {
      const inBinary = async (): Promise<void> => {
        const pieces = binaryPieces(page, mirror.columns, options);
        const { sent: rows, taken } = await copy(client, copyInto(mirror, target, 'binary'), pieces);
        // Only now: as long as nothing was copied, the table was not locked against being altered.
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
    // Each time: a transaction that rolled back took the table with it.
    // Behind a pooler the next transaction may be on another backend, and this one somebody else's.
    const isShared = isBehindPooler(client);
    await client.query(createStaging(mirror, isShared ? 'DROP' : 'DELETE ROWS'));
    this.hasStaging = !isShared;
    const bad = new BadRows(mirror, page, mode.maxShare);
    const keys = rowKeys(mirror, page);
    const skip = new Set(supersededRows(mirror, page, keys));
    for (const [row, key] of keys.entries()) {
      if (key !== null || skip.has(row)) continue;
      skip.add(row);
      bad.add(row, 'no key that is a GUID', null);
    }
    const overUnseen = mode.rewound ? mode.remember : undefined;
    const { hashKey } = this.policy;
    const lacking = await judgeLackingRows(client, mirror, page, keys, skip, hashKey, overUnseen);
    for (const [row, reason] of lacking.refused) {
      skip.add(row);
      bad.add(row, reason, null);
    }
    this.untyped = lacking.untyped;
    const options = { skip, memory: this.memory, policy: this.policy };
    let written = 0;
    const mergeAll = async ({ rows }: Copied): Promise<void> => {
      if (rows > 0) written = await this.mergeStaging(client, mode, rows);
    };
    const { failed, text } = await this.copied(client, 'staging', page, options, mergeAll, isRowError);
    if (failed === undefined && text === undefined) return { written, quarantined: bad.rows };
    const copyText = failed === undefined ? undefined : toCopyText(page, mirror.columns, options);
    for (const { row, column, reason } of (copyText ?? text)?.unstorable ?? [])
      bad.add(row, `column ${column}: ${reason}`, null);
    if (copyText !== undefined) written = await this.mergeStorable(client, page, copyText, mode, bad);
    return { written, quarantined: bad.rows };
  }

  /** @param staged how many rows there are. @returns how many of them were written. */
  private async mergeStaging(client: pg.PoolClient, mode: StoreMode, staged: number): Promise<number> {
    const { mirror } = this;
    const { remember, rewrite } = mode;
    const { overUnseen } = stagedMode(mode);
    const change = rewrite ? mergeStaged : updateStaged;
    for (const lookup of this.untyped) await client.query(keepTypes(mirror, lookup));
    const changed = (await client.query(change(mirror, rewrite, overUnseen))).rowCount ?? 0;
    // Of a delta mostly all were there. It is asked all the same: who drops a key is to hear of it.
    const mayBeMissing = !rewrite && changed < staged;
    const inserted = await client.query(insertStaged(mirror, rewrite, overUnseen), [mayBeMissing]);
    const written = changed + (inserted.rowCount ?? 0);
    // The others have an older version than the mirror, or somebody keeps them from being written.
    if (written < staged || mode.watched) await assertWritten(client, mirror, stagedMode(mode));
    // Only then: until now it told the rows that are of this environment's time from the others.
    if (remember !== undefined) await client.query(rememberStaged(mirror, remember));
    return written;
  }

  /**
   * Merges what PostgreSQL will take of a page it did not take as a whole. Values that are not of their
   * column's type show when they are copied, all else (constraints and indexes that were added to the
   * mirror table, a row wider than a page) only when they are merged.
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
    const { remember } = mode;
    const { written, refused } = await mergePieces(client, mirror, stagedMode(mode), bad.room);
    for (const refusal of refused) {
      const row = keys.get(refusal.key);
      if (row === undefined) throw new TypeError('A row was refused that is not of the page.');
      bad.add(row, describeRefusal(refusal), refusal.code);
    }
    await assertWritten(client, mirror, stagedMode(mode));
    if (remember !== undefined) await client.query(rememberStaged(mirror, remember));
    return written;
  }
}

function stagedMode({ rewrite, rewound, remember }: StoreMode): StagedMode {
  return { rewrite, overUnseen: rewound ? remember : undefined };
}

/** A value is not written plainly, or a column has another type than the one it was made with. */
class OnlyAsText extends Error {}

function isReasonForText(error: unknown): error is OnlyAsText | PostgresError {
  return error instanceof OnlyAsText || isMismatchOfTypes(error);
}

function assertStorable({ text }: Copied): void {
  if (text !== undefined && text.unstorable.length > 0) throw new UnstorableRows();
}

/** Some of the page's rows go to quarantine, of which the others are to know nothing. */
class UnstorableRows extends Error {}

function isReasonToMerge(error: unknown): error is Error {
  return error instanceof UnstorableRows || isRowError(error);
}
