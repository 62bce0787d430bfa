/** Who waits, in order: lower ranks first, and among equals whoever came first. */
export class WaitingLine<T> {
  private readonly lines = new Map<number, Set<T>>();

  get isEmpty(): boolean {
    return this.first() === undefined;
  }

  add(rank: number, waiter: T): void {
    const line = this.lines.get(rank);
    if (line === undefined) this.lines.set(rank, new Set([waiter]));
    else line.add(waiter);
  }

  /** Takes the first one out; undefined when nobody waits. */
  take(): T | undefined {
    const line = this.first();
    if (line === undefined) return undefined;
    const [waiter] = line;
    if (waiter !== undefined) line.delete(waiter);
    return waiter;
  }

  /** Somebody does not wait any longer. */
  remove(waiter: T): void {
    for (const line of this.lines.values()) line.delete(waiter);
  }

  private first(): Set<T> | undefined {
    let best: number | undefined;
    for (const [rank, line] of this.lines) {
      if (line.size > 0 && (best === undefined || rank < best)) best = rank;
    }
    return best === undefined ? undefined : this.lines.get(best);
  }
}
