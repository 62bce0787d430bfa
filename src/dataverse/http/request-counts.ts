/**
 * Requests to the Web API that were sent about each table and are not on record yet. They are put there
 * by statements that are executed anyway, so what a process has here when it is killed is lost.
 */
export class RequestCounts {
  private readonly sent = new Map<string, number>();

  /** Counts one that is being sent, each attempt by itself. */
  add(table: string): void {
    this.sent.set(table, this.of(table) + 1);
  }

  of(table: string): number {
    return this.sent.get(table) ?? 0;
  }

  /** So many of them are on record; others may have been sent since. */
  recorded(table: string, requests: number): void {
    this.sent.set(table, Math.max(0, this.of(table) - requests));
  }
}
