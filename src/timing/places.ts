interface Waiter {
  readonly need: number;
  readonly start: () => void;
}

/** A line of waiters, first come, first served. No clock has a part in it: one that is set back holds nobody. */
export class Line {
  private readonly take: (need: number) => boolean;
  private readonly waiters = new Set<Waiter>();

  /** @param take gives a waiter what it needs, or returns false where there is not enough. */
  constructor(take: (need: number) => boolean) {
    this.take = take;
  }

  /** Whether `take` has given what is needed at once: nobody waits, and there is enough. */
  pass(need: number): boolean {
    return this.waiters.size === 0 && this.take(need);
  }

  /**
   * Resolves when `take` has given what is needed.
   *
   * @throws the signal's reason when aborted before.
   */
  async wait(need: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.pass(need)) return;
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.waiters.delete(waiter);
        reject(signal.reason as Error);
        // The first waiter may have needed more than there is, and those behind it less.
        this.admit();
      };
      const start = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiter = { need, start };
      this.waiters.add(waiter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Call it when there is more to take. */
  admit(): void {
    for (const waiter of this.waiters) {
      if (!this.take(waiter.need)) return;
      this.waiters.delete(waiter);
      waiter.start();
    }
  }
}

/** Room for a number of runs or loads at once. */
export class Places {
  private count: number;
  private taken = 0;
  private readonly line = new Line(() => this.taken < this.count && ++this.taken > 0);

  /** @param count of places; one at least. */
  constructor(count: number) {
    this.count = Math.max(1, count);
  }

  /** Goes on with another number of places. With fewer places, work under way goes on, and others wait for it. */
  change(count: number): void {
    this.count = Math.max(1, count);
    this.line.admit();
  }

  /** A place, given back by a call of the result; null when all are taken. */
  take(): (() => void) | null {
    return this.line.pass(1) ? this.leave() : null;
  }

  /** Waits for a place, which a call of the result gives back. @throws the signal's reason when aborted before */
  async enter(signal: AbortSignal): Promise<() => void> {
    await this.line.wait(1, signal);
    return this.leave();
  }

  /** Runs `work` when there is a place. @throws the signal's reason when aborted before; what `work` throws. */
  async hold<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(signal);
    try {
      // The signal may come in the moment after the place was given.
      signal.throwIfAborted();
      return await work();
    } finally {
      leave();
    }
  }

  private leave(): () => void {
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.taken--;
      this.line.admit();
    };
  }
}
