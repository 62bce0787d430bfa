import { waitInLine } from '../model/wait-in-line.ts';

/** Memory that a page was given; to be given back once, further calls do nothing. */
export interface Reservation {
  /** The page takes so many bytes, known only now. */
  correct(bytes: number): void;
  release(): void;
}

/**
 * What is this small is never waited for: idle tables are not to stand behind the pages of a load. There
 * are two of it at most for each table at work.
 */
const NEGLIGIBLE = 1024 * 1024;

interface Waiter {
  readonly bytes: number;
  readonly start: () => void;
}

/**
 * The memory for pages that are being read or wait to be written, over all tables. Whoever wants some
 * waits in one line, first come, first served; what is more than there is at all goes alone.
 *
 * A page waits before it is asked for and for nothing after: what it holds is given back in the end by
 * those who write, who wait for no memory. So the line always moves.
 */
export class PageMemory {
  private readonly total: number;
  private readonly line = new Set<Waiter>();
  private used = 0;

  /** @param total bytes. */
  constructor(total: number) {
    this.total = total;
  }

  /** Bytes that are in use. */
  get inUse(): number {
    return this.used;
  }

  /** Waits until there are so many bytes. @throws the signal's reason when aborted. */
  async reserve(bytes: number, signal: AbortSignal): Promise<Reservation> {
    signal.throwIfAborted();
    if (bytes > NEGLIGIBLE && (this.line.size > 0 || !this.fits(bytes))) await this.turn(bytes, signal);
    else this.used += bytes;
    return this.reservation(bytes);
  }

  private async turn(bytes: number, signal: AbortSignal): Promise<void> {
    await waitInLine<void>(signal, (start) => {
      const waiter = { bytes, start };
      this.line.add(waiter);
      return () => {
        this.line.delete(waiter);
        // Those behind it may have been waiting for nothing else.
        this.admit();
      };
    });
  }

  private reservation(first: number): Reservation {
    let bytes = first;
    let released = false;
    const change = (to: number): void => {
      this.used += to - bytes;
      bytes = to;
      this.admit();
    };
    return {
      correct: (to) => {
        if (!released) change(to);
      },
      release: () => {
        if (!released) change(0);
        released = true;
      },
    };
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.total;
  }

  private admit(): void {
    for (const waiter of this.line) {
      if (!this.fits(waiter.bytes)) return;
      this.line.delete(waiter);
      this.used += waiter.bytes;
      waiter.start();
    }
  }
}
