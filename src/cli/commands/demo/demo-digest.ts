import type { RunMeter } from '../../../sync/watch/run-meter.ts';
import { counted } from '../../output.ts';

/** What runs did since the last line about them, and which tables are up to date. */
export class DemoDigest implements RunMeter {
  /** Resolves when each table has been brought up to date once. */
  readonly loaded: Promise<void>;
  private readonly tables: readonly string[];
  private readonly changes = new Map<string, number>();
  private readonly upToDate = new Set<string>();
  /** Codes of the last failures of tables that are not up to date. */
  private readonly failed = new Map<string, string>();
  private resolveLoaded: () => void = () => undefined;

  constructor(tables: readonly string[]) {
    this.tables = tables;
    this.loaded = new Promise((resolve) => (this.resolveLoaded = resolve));
  }

  stored(table: string, written: number, deleted: number): void {
    this.changes.set(table, (this.changes.get(table) ?? 0) + written + deleted);
  }

  ended({ table, failure }: Parameters<RunMeter['ended']>[0]): void {
    if (failure === null) {
      this.failed.delete(table);
      this.upToDate.add(table);
      if (this.upToDate.size === this.tables.length) this.resolveLoaded();
    } else {
      this.upToDate.delete(table);
      this.failed.set(table, failure.code);
    }
  }

  /**
   * A line on the changes since the last call: `12 changes in 5 tables: contact 5, account 3, …; all 10 tables up to
   * date`.
   *
   * @param width the most characters that the line may have, if tables can be left out.
   * @returns undefined if nothing changed.
   */
  take(width = Number.POSITIVE_INFINITY): string | undefined {
    const changed = [...this.changes].filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a);
    this.changes.clear();
    if (changed.length === 0) return undefined;
    const total = changed.reduce((sum, [, count]) => sum + count, 0);
    const begin = `${counted(total, 'change')} in ${counted(changed.length, 'table')}: `;
    const end = this.standing();
    const named = changed.map(([table, count]) => `${table} ${count}`);
    for (let shown = named.length; shown > 0; shown -= 1) {
      const list = [...named.slice(0, shown), ...(shown < named.length ? ['…'] : [])].join(', ');
      const line = `${begin}${list}; ${end}`;
      if (line.length <= width || shown === 1) return line;
    }
    return undefined;
  }

  private standing(): string {
    const all = this.tables.length;
    if (this.upToDate.size === all) return `all ${all} tables up to date`;
    const failed = [...this.failed].map(([table, code]) => `${table} failed (${code})`);
    return [`${this.upToDate.size} of ${all} tables up to date`, ...failed].join(', ');
  }
}
