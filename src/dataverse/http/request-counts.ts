/**
 * Counts the requests about each table that are not stored yet. Statements that are executed anyway store
 * the counts, so a process that is killed loses its last ones.
 */
export class RequestCounts {
  private readonly sent = new Map<string, number>();
  private readonly all = new Map<string, number>();

  /** Counts a request that is sent now. Each attempt counts. */
  add(table: string): void {
    this.sent.set(table, this.of(table) + 1);
    this.all.set(table, this.ever(table) + 1);
  }

  /** All requests of this process about a table, stored or not. */
  ever(table: string): number {
    return this.all.get(table) ?? 0;
  }

  of(table: string): number {
    return this.sent.get(table) ?? 0;
  }

  /** Subtracts requests that were stored. Further requests may have been sent since. */
  recorded(table: string, requests: number): void {
    this.sent.set(table, Math.max(0, this.of(table) - requests));
  }
}
