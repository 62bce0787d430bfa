import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { changedRows, preparedPlace } from '../rows/changed-rows.ts';
import { pageHead } from '../rows/page.ts';
import { PreparedRows } from '../rows/prepared-rows.ts';
import { VARIETY } from '../rows/row-texts.ts';
import { versionAfter } from '../rows/version.ts';
import { keysAlone } from '../shapes/shape.ts';
import { API_PATH } from './metadata.ts';
import { PageStore } from './page-store.ts';
import { entitySet, hasTypedLookups, rowsOfPage, shapeOfTable, type SourceTable } from './table.ts';

const compress = promisify(gzip);

/** Pages that are compressed at once. */
const AT_ONCE = 2;

/** A page that a request asks for. */
export interface PageAsk {
  readonly table: SourceTable;
  /** The changes after which the delta begins; null for the rows of the whole table. */
  readonly since: number | null;
  /** Rows of earlier pages. */
  readonly from: number;
  readonly size: number;
  /** Lookups say which table they point to. */
  readonly annotated: boolean;
  /** The page says the version of the metadata. */
  readonly versioned: boolean;
  readonly compressed: boolean;
}

export interface PageAnswer {
  readonly body: Buffer;
  /** Bytes before the compression. */
  readonly bytes: number;
}

/** The pages of tables. They are made and compressed before they are wanted, and kept for later rounds. */
export class Pages {
  private readonly origin: string;
  private readonly store = new PageStore();
  private readonly prepared = new Map<string, PreparedRows>();
  private readonly changes = new Map<string, readonly number[]>();

  constructor(origin: string) {
    this.origin = origin;
  }

  async answer(ask: PageAsk): Promise<PageAnswer> {
    return this.kept(ask.compressed, this.key(ask), () => this.make(ask));
  }

  /** A page of keys and versions, as a request without change tracking asks for it. */
  async keys(ask: Omit<PageAsk, 'since' | 'annotated' | 'versioned'>): Promise<PageAnswer> {
    const { table, from, size } = ask;
    const to = Math.min(table.rows, from + rowsOfPage(table, size));
    const made = this.changesOf(table);
    const { isChanged } = changedRows(table.rows, made.at(-1) ?? 0);
    const changes = isChanged(from, to) ? made.length : 0;
    const key = ['keys', table.name, from, to, changes].join(' ');
    return this.kept(ask.compressed, key, () => {
      const rows = this.preparedRows(table, false, true);
      const text = rows.write(
        0,
        to - from,
        (at) => from + at,
        (row) => (isChanged(row, row + 1) ? changes : 0),
      );
      const order = `$select=${shapeOfTable(table).key},versionnumber&$orderby=${shapeOfTable(table).key} asc`;
      const link =
        to < table.rows
          ? `,"@odata.nextLink":"${this.origin}${API_PATH}${entitySet(table)}?${order}&$skiptoken=${to}"`
          : '';
      return Buffer.concat([Buffer.from(pageHead(true)), text.subarray(1), Buffer.from(`]${link}}`)]);
    });
  }

  private async kept(isCompressed: boolean, key: string, make: () => Buffer): Promise<PageAnswer> {
    const known = isCompressed ? await this.store.get(key) : undefined;
    if (known !== undefined) return known;
    const page = make();
    if (!isCompressed) return { body: page, bytes: page.length };
    const body = await compressed(page);
    await this.store.put(key, body, page.length);
    return { body, bytes: page.length };
  }

  /** Makes all pages of the tables, as mirrorverse asks for them. */
  async prepare(tables: readonly SourceTable[], since: number | null = null): Promise<void> {
    const asks = this.everyPage(tables, since);
    const work = async (): Promise<void> => {
      for (const ask of asks) if (!this.store.has(this.key(ask))) await this.answer(ask);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await this.store.settle();
  }

  /** So many rows of a table change. */
  change(table: SourceTable, rows: number): void {
    this.changes.set(table.name, [...this.changesOf(table), rows]);
  }

  changesOf({ name }: SourceTable): readonly number[] {
    return this.changes.get(name) ?? [];
  }

  close(): void {
    this.store.remove();
  }

  private *everyPage(tables: readonly SourceTable[], since: number | null): Generator<PageAsk> {
    for (const table of tables) {
      const total = this.rowsOf(table, since).count;
      const size = rowsOfPage(table, Number.POSITIVE_INFINITY);
      const annotated = hasTypedLookups(shapeOfTable(table));
      let from = 0;
      do {
        yield { table, since, from, size, annotated, versioned: true, compressed: true };
        from += size;
      } while (from < total);
    }
  }

  /** The rows of a read, of a delta those that the last change has changed. */
  private rowsOf(table: SourceTable, since: number | null): { count: number; row: (at: number) => number } {
    if (since === null) return { count: table.rows, row: (at) => at };
    const made = this.changesOf(table);
    return changedRows(table.rows, made.length > since ? (made.at(-1) ?? 0) : 0);
  }

  private key({ table, since, from, size, annotated, versioned }: PageAsk): string {
    return [
      table.name,
      since,
      this.changesOf(table).length,
      from,
      rowsOfPage(table, size),
      annotated,
      versioned,
    ].join(' ');
  }

  private make({ table, since, from, size, annotated, versioned }: PageAsk): Buffer {
    const { count, row } = this.rowsOf(table, since);
    const to = Math.min(count, from + rowsOfPage(table, size));
    const made = this.changesOf(table).length;
    const base = `${this.origin}${API_PATH}${entitySet(table)}`;
    const delta = since === null ? '' : `$deltatoken=${tokenAfter(since)}&`;
    const link =
      to < count
        ? `"@odata.nextLink":"${base}?${delta}$skiptoken=${to}"`
        : `"@odata.deltaLink":"${base}?$deltatoken=${tokenAfter(made)}"`;
    const tail = Buffer.from(`],${link}}`);
    const head = Buffer.from(pageHead(versioned));
    if (to <= from) return Buffer.concat([head, tail]);
    const changes = since === null ? 0 : made;
    const rows = this.preparedRows(table, annotated);
    const text = rows.write(preparedPlace(from, changes), to - from, (at) => row(from + at), changes);
    return Buffer.concat([head, text.subarray(1), tail]);
  }

  private preparedRows(table: SourceTable, annotated: boolean, isKeysAlone = false): PreparedRows {
    const most = Math.min(table.rows, rowsOfPage(table, Number.POSITIVE_INFINITY));
    const key = [table.shape, table.columns, annotated, most, isKeysAlone].join(' ');
    let rows = this.prepared.get(key);
    if (rows === undefined) {
      // Wherever a page begins among the different rows, it is there in one piece.
      const shape = isKeysAlone ? keysAlone(shapeOfTable(table)) : shapeOfTable(table);
      rows = PreparedRows.json(shape, annotated, most + VARIETY);
      this.prepared.set(key, rows);
    }
    return rows;
  }
}

/** The token of a delta after so many changes: the version that the environment has reached, as real tokens have it. */
function tokenAfter(changes: number): string {
  return `${versionAfter(changes)}!${changes}`;
}

/** The changes of a token. */
export function changesOfToken(token: string): number {
  return Number(token.split('!')[1]);
}

/** One gzip stream, as quickly as a busy server would make it. */
export async function compressed(body: Uint8Array): Promise<Buffer> {
  return compress(body, { level: constants.Z_BEST_SPEED });
}
