import { Line } from '../../timing/places.ts';

/** Memory that a page was given, to be given back once: further calls do nothing. */
export interface Reservation {
  /** Bytes. */
  readonly bytes: number;
  /** Takes so many bytes from now on. @throws MemoryShort when others have them; it keeps what it had. */
  resize(bytes: number): void;
  release(): void;
}

/** Other pages have the memory that this page needs. The reader gives up the page, and waits. */
export class MemoryShort extends Error {
  constructor() {
    super('Other pages have the memory.');
    this.name = 'MemoryShort';
  }
}

/** A stretch of memory that no page is in. */
interface Spare {
  readonly buffer: ArrayBuffer;
  /** Bytes that were ever written to: only these take memory of the machine. */
  readonly touched: number;
}

const MB = 1024 * 1024;
/**
 * A page this small is never waited for: idle tables are not to stand behind the pages of a load. All of
 * them together go over the limit by the second number at most, or by an eighth of it.
 */
const NEGLIGIBLE = MB;
const OVERDRAFT = 8 * MB;

/**
 * Stretches that are kept at most. A page has two, and a table has two pages at most, one of them read
 * ahead: so this is enough for twelve tables at once. Pages of a daemon have ever other sizes, and without
 * a limit a process that is never without work would keep stretches of all of them.
 */
const MOST_SPARES = 48;

/**
 * The memory for pages that are being read or wait to be written, over all tables, with what is kept of
 * it for the pages to come.
 *
 * A page begins with a little, or with what the last one of its table took, and takes more while it is
 * read. Only who holds nothing waits: first come, first served. Who needs more than is left does not wait
 * for it, but gives up the page and stands in line for all that it may take. So each page is either being
 * read or written, which ends by itself, or holds nothing, and the line always moves.
 */
export class PageMemory {
  private limit: number;
  private readonly line = new Line((bytes) => {
    if (!this.fits(bytes)) return false;
    this.take(bytes);
    return true;
  });
  private readonly spares = new Set<Spare>();
  private used = 0;
  private kept = 0;

  /** @param total bytes. */
  constructor(total: number) {
    this.limit = total;
  }

  /** Bytes that all pages may take. */
  get total(): number {
    return this.limit;
  }

  /** Goes on with another limit. Pages that have more than the new limit keep it until they end. */
  change(total: number): void {
    this.limit = total;
    this.makeRoom(0);
    this.line.admit();
  }

  /** Bytes that pages have. */
  get inUse(): number {
    return this.used;
  }

  /** Bytes that are kept for pages to come. */
  get inReserve(): number {
    return this.kept;
  }

  /** Waits until there are so many bytes. @throws the signal's reason when aborted. */
  async reserve(bytes: number, signal: AbortSignal): Promise<Reservation> {
    signal.throwIfAborted();
    if (this.mayOverdraw(bytes, bytes)) this.take(bytes);
    else if (!this.line.pass(bytes)) await this.line.wait(bytes, signal);
    return this.reservation(bytes);
  }

  /** Memory kept from an earlier page, of between `bytes` and twice as many; undefined where there is none. */
  spare(bytes: number): Spare | undefined {
    let found: Spare | undefined;
    for (const spare of this.spares) {
      const { byteLength } = spare.buffer;
      if (byteLength < bytes || byteLength > 2 * bytes) continue;
      if (found === undefined || byteLength < found.buffer.byteLength) found = spare;
    }
    if (found !== undefined) this.forget(found);
    return found;
  }

  /** Keeps memory for pages to come, until others need the room. */
  keep(spare: Spare): void {
    this.spares.add(spare);
    this.kept += spare.touched;
    const [oldest] = this.spares;
    if (oldest !== undefined && this.spares.size > MOST_SPARES) {
      this.forget(oldest);
      letGo(oldest.buffer);
    }
    this.makeRoom(0);
  }

  private reservation(first: number): Reservation {
    let bytes = first;
    let released = false;
    const change = (to: number): void => {
      const more = to - bytes;
      if (more > 0 && this.used + more > this.total && !this.mayOverdraw(to, more)) {
        // All that there is may be a little more: a row with everything that belongs to it.
        if (bytes < this.total || !this.mayOverdraw(to - this.total, more)) throw new MemoryShort();
      }
      bytes = to;
      this.take(more);
      if (more < 0) this.line.admit();
    };
    return {
      get bytes() {
        return bytes;
      },
      resize(to) {
        if (!released && to !== bytes) change(to);
      },
      release: () => {
        if (released) return;
        change(0);
        released = true;
        // Nobody is at work: a daemon that rests does not keep the memory of its last load.
        if (this.used === 0) this.makeRoom(this.total);
      },
    };
  }

  /** Whether `bytes` are so few that `more` of them may go over the limit. */
  private mayOverdraw(bytes: number, more: number): boolean {
    return bytes <= NEGLIGIBLE && this.used + more <= this.total + Math.max(OVERDRAFT, this.total >> 3);
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.total;
  }

  private take(bytes: number): void {
    this.used += bytes;
    if (bytes > 0) this.makeRoom(0);
  }

  /** Lets go of what is kept, the oldest first, until there are so many bytes that nobody has. */
  private makeRoom(bytes: number): void {
    for (const spare of this.spares) {
      if (this.used + this.kept + bytes <= this.total) return;
      this.forget(spare);
      letGo(spare.buffer);
    }
  }

  private forget(spare: Spare): void {
    this.spares.delete(spare);
    this.kept -= spare.touched;
  }
}

/** At once, where the engine can: otherwise it is there until all garbage is collected some day. */
export function letGo(buffer: ArrayBuffer): void {
  const { transfer } = buffer as { transfer?: (length: number) => ArrayBuffer };
  transfer?.call(buffer, 0);
}
