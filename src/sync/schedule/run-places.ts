import { waitInLine } from '../../timing/places.ts';

/**
 * Room for so many runs at once; who finds none waits in line, first come, first served. No clock has
 * a part in it: one that is set back holds nobody.
 */
export class RunPlaces {
  private free: number;
  private readonly line = new Set<() => void>();

  constructor(places: number) {
    this.free = Math.max(1, places);
  }

  /** Runs `run` once there is a place. @throws the signal's reason when aborted before. */
  async hold<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    await this.take(signal);
    try {
      // A place may be handed over in the moment before the signal.
      signal.throwIfAborted();
      return await run();
    } finally {
      this.handOn();
    }
  }

  private async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.free > 0) {
      this.free--;
      return;
    }
    await waitInLine<void>(signal, (start) => {
      this.line.add(start);
      return () => this.line.delete(start);
    });
  }

  private handOn(): void {
    const [next] = this.line;
    if (next === undefined) {
      this.free++;
      return;
    }
    this.line.delete(next);
    next();
  }
}
