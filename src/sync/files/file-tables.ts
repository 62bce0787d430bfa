import type { Logger } from 'pino';
import { fileTableStates, lookForFiles } from '../../mirror/files/file-look.ts';
import type { FileWork } from '../../mirror/files/file-queue.ts';
import { readDefinition } from '../../mirror/state/definitions.ts';
import { mirrorTable, type MirrorTable } from '../../mirror/table/mirror-table.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { failureFields, toFailure, type Failure } from '../../model/failure.ts';
import { fileColumns, unknownFileColumns, type FileColumn } from '../../model/files/file-column.ts';
import type { FileDeletes } from '../../model/files/file-place.ts';
import type { TableWishes } from '../tables/table-preparation.ts';
import { withSelectedColumns } from '../tables/table-selection.ts';

/** A table whose bodies are wanted, as its mirror was last prepared. */
export interface FileTable {
  readonly mirror: MirrorTable;
  readonly columns: readonly FileColumn[];
  /** By logical name. */
  readonly columnsByName: ReadonlyMap<string, FileColumn>;
}

interface LookedAt {
  readonly state: string;
  /** By `performance.now()`: no look before. */
  readonly next: number;
  /** By `performance.now()`: a look even if no page was stored since, because somebody may edit rows. */
  readonly latest: number;
}

interface KnownTable {
  readonly wish: TableWishes;
  readonly selection: string | null;
  readonly table: FileTable;
}

/** A look takes a part of the database's time: this many times as long as it took, there is no other one. */
const REST = 20;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Finds in the mirror tables which bodies are new, and which are gone. */
export class FileTables {
  private readonly work: FileWork;
  private readonly logger: Logger;
  private readonly lookedAt = new Map<string, LookedAt>();
  private readonly known = new Map<string, KnownTable>();
  private readonly told = new Set<string>();
  private readonly troubles: LogThrottle;

  constructor(work: FileWork, logger: Logger) {
    this.work = work;
    this.logger = logger;
    this.troubles = new LogThrottle(logger);
  }

  /**
   * Looks at each table whose rows have changed since the last look.
   *
   * @param isUrgent looks at each table at once, however long the last look took.
   * @returns the tables that are not paused, by name. @throws Failure; the signal's reason when aborted.
   */
  async look(
    wishes: readonly TableWishes[],
    deletes: FileDeletes,
    isUrgent: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FileTable>> {
    const byName = new Map(wishes.map((wish) => [wish.name, wish]));
    const open = new Map<string, FileTable>();
    for (const { table: name, selection, state, isPaused } of await fileTableStates(this.work, [
      ...byName.keys(),
    ])) {
      const wish = byName.get(name);
      if (wish === undefined || isPaused) continue;
      try {
        const table = await this.tableOf(wish, selection);
        if (table === undefined) continue;
        open.set(name, table);
        if (state !== null && (isUrgent || this.isDue(name, state))) {
          await this.lookAt(name, table, deletes, signal);
        }
      } catch (error) {
        signal.throwIfAborted();
        this.pass(name, toFailure(error));
      }
    }
    return open;
  }

  /** The table, or undefined if it was never prepared. A definition of hundreds of columns is read only when it may be another. */
  private async tableOf(wish: TableWishes, selection: string | null): Promise<FileTable | undefined> {
    const { name, columns, hashKeyId, softDeletes } = wish;
    const known = this.known.get(name);
    if (known?.wish === wish && known.selection === selection) return known.table;
    const stored = await readDefinition(this.work.store, name);
    if (stored === undefined) return undefined;
    const { definition } = stored;
    const mirrored = withSelectedColumns(definition, columns, hashKeyId);
    // Rows of an elastic table have no file columns ("Create and edit elastic tables"), and no id alone.
    const isElastic = definition.partition !== undefined;
    const found = isElastic ? [] : fileColumns(definition, columns.files ?? [], mirrored);
    this.tellUnknown(name, unknownFileColumns(definition, columns.files ?? []));
    const table = {
      mirror: mirrorTable(mirrored, this.work.schema, softDeletes),
      columns: found,
      columnsByName: new Map(found.map((column) => [column.name, column])),
    };
    this.known.set(name, { wish, selection, table });
    return table;
  }

  private tellUnknown(table: string, unknown: readonly string[]): void {
    if (unknown.length === 0 || this.told.has(`${table} ${unknown.join()}`)) return;
    this.told.add(`${table} ${unknown.join()}`);
    this.logger.warn(
      { table, columns: unknown },
      `\`files\` of table ${table} names ${unknown.join(', ')}, which is no column of a file or an image.`,
    );
  }

  private isDue(name: string, state: string): boolean {
    const last = this.lookedAt.get(name);
    const now = performance.now();
    if (last === undefined) return true;
    return now >= last.next && (last.state !== state || now >= last.latest);
  }

  private async lookAt(
    name: string,
    table: FileTable,
    deletes: FileDeletes,
    signal: AbortSignal,
  ): Promise<void> {
    const begun = performance.now();
    const look = await lookForFiles(this.work, table.mirror, table.columns, deletes, signal);
    if (look === undefined) return;
    const { state, found, gone } = look;
    const ended = performance.now();
    this.lookedAt.set(name, { state, next: ended + REST * (ended - begun), latest: ended + HOUR });
    if (found + gone > 0) {
      const text = `Table ${name} names ${found} new bodies; ${gone} are gone.`;
      this.logger.debug({ table: name, found, gone }, text);
    }
  }

  /**
   * Goes on with the other tables if the trouble is about one: its mirror table may lack a column, such as one that waits
   * for a yes.
   *
   * @throws Failure that is about all tables.
   */
  private pass(name: string, failure: Failure): void {
    if (failure.reaction === 'retry') throw failure;
    const now = performance.now();
    this.lookedAt.set(name, { state: '', next: now + MINUTE, latest: now + HOUR });
    this.troubles.tell(
      name,
      { table: name, ...failureFields(failure) },
      `The files of table ${name} cannot be found. ${failure.message}`,
    );
  }
}
