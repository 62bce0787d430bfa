interface Versioned {
  readonly version: bigint;
}

/** A stretch of a log, and whether more follows within the same bounds. */
export interface LogSlice<T> {
  readonly entries: readonly T[];
  readonly more: boolean;
}

/**
 * Entries in the order of their versions. A later write of a row makes its earlier entry stale. Reads skip stale
 * entries. They are removed once they outnumber the others, so appending stays cheap.
 */
export class VersionLog<T extends Versioned> {
  #entries: T[];
  #stale = 0;
  readonly #isCurrent: (entry: T) => boolean;

  constructor(isCurrent: (entry: T) => boolean, entries: T[] = []) {
    this.#isCurrent = isCurrent;
    this.#entries = entries;
  }

  append(entry: T): void {
    this.#entries.push(entry);
  }

  /** Tells the log that one of its entries became stale. */
  noteStale(): void {
    this.#stale += 1;
    if (this.#stale > 1000 && this.#stale * 2 > this.#entries.length) {
      this.#entries = this.#entries.filter(this.#isCurrent);
      this.#stale = 0;
    }
  }

  /** Up to `limit` current entries with a version above `from` and, where `max` is given, not above it. */
  between(from: bigint, max: bigint | null, limit: number): LogSlice<T> {
    const found: T[] = [];
    for (let index = this.#firstAbove(from); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry === undefined || (max !== null && entry.version > max)) break;
      if (!this.#isCurrent(entry)) continue;
      if (found.length === limit) return { entries: found, more: true };
      found.push(entry);
    }
    return { entries: found, more: false };
  }

  /** How many current entries lie in (from, max]. */
  count(from: bigint, max: bigint): number {
    return this.between(from, max, Number.POSITIVE_INFINITY).entries.length;
  }

  #firstAbove(version: bigint): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.version <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
