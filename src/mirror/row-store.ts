import type pg from 'pg';
import type { PageRows } from '../model/page.ts';
import { toCopyText, type CopyScratch } from './copy-text.ts';
import { copy, copyStorable, inSavepoint } from './copy.ts';
import {
  copyIntoMirror,
  copyIntoStaging,
  createStaging,
  dropStaging,
  mergeStaged,
  rememberStaged,
} from './merge-sql.ts';
import type { MirrorTable } from './mirror-table.ts';
import { quarantined, rowKey, type QuarantinedRow } from './quarantine.ts';
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
}

/** Puts the rows of pages into one mirror table, on one connection that keeps its staging table. */
export class RowStore {
  private readonly mirror: MirrorTable;
  private readonly scratch: CopyScratch = { bytes: new Uint8Array(0) };
  private hasStaging = false;

  constructor(mirror: MirrorTable) {
    this.mirror = mirror;
  }

  /** Stores a page's rows in the client's transaction. */
  async store(client: pg.PoolClient, page: PageRows, mode: StoreMode): Promise<StoredRows> {
    if (page.rows === 0) return { written: 0, quarantined: [] };
    if (mode.append) {
      const appended = await this.append(client, page);
      if (appended !== undefined) return appended;
    }
    return this.merge(client, page, mode);
  }

  /** Forgets the staging table, of a connection that goes back to the pool. */
  async close(client: pg.PoolClient): Promise<void> {
    if (this.hasStaging) await client.query(dropStaging(this.mirror));
    this.hasStaging = false;
  }

  /**
   * COPY into the mirror table itself, half the work of staging and merging. Any row that is there
   * already, comes twice, or cannot be stored makes it fail as a whole; then nothing is done.
   */
  private async append(client: pg.PoolClient, page: PageRows): Promise<StoredRows | undefined> {
    const copyText = toCopyText(page, this.mirror.columns, undefined, this.scratch);
    if (copyText.unstorable.length > 0) return undefined;
    const failed = await inSavepoint(client, async () =>
      copy(client, copyIntoMirror(this.mirror), copyText.text),
    );
    return failed === undefined ? { written: page.rows, quarantined: [] } : undefined;
  }

  private async merge(client: pg.PoolClient, page: PageRows, mode: StoreMode): Promise<StoredRows> {
    const { mirror } = this;
    // Each time: a transaction that rolled back took the table with it.
    await client.query(createStaging(mirror));
    this.hasStaging = true;
    const skip = new Set(supersededRows(mirror, page));
    const bad: QuarantinedRow[] = [];
    for (let row = 0; row < page.rows; row++) {
      if (skip.has(row) || rowKey(mirror, page, row) !== null) continue;
      skip.add(row);
      bad.push(quarantined(mirror, page, row, 'no key that is a GUID', null));
    }
    const copyText = toCopyText(page, mirror.columns, skip, this.scratch);
    for (const { row, column, reason } of copyText.unstorable) {
      bad.push(quarantined(mirror, page, row, `column ${column}: ${reason}`, null));
    }
    for (const { row, reason, sqlstate } of await copyStorable(client, copyIntoStaging(mirror), copyText)) {
      bad.push(quarantined(mirror, page, row, reason, sqlstate));
    }
    if (mode.remember !== undefined) await client.query(rememberStaged(mirror, mode.remember));
    const merged = await client.query(mergeStaged(mirror, mode.rewrite));
    return { written: merged.rowCount ?? 0, quarantined: bad };
  }
}
