import type { PageMemory, Reservation } from './page-memory.ts';

/** For pages that are somewhat larger than the first. */
const ROOM = 1.0625;
/** What is counted at once while a body comes, as a share of what has come. */
const AHEAD = 1.125;

interface Stretch {
  /** Bytes of it that an earlier page has written to. */
  readonly was: number;
  /** Bytes that count. */
  readonly counted: number;
}

/**
 * Memory that one page comes into: the bytes of its answer, and what the parser makes of them.
 *
 * It comes from earlier pages where it can. Node counts what lies outside its heap, and collects garbage
 * for every few dozen megabytes of it: pages in new memory each cost a fifth of a baseline's time for
 * that alone.
 *
 * The machine gives memory only where it is written to, and that is what counts: a buffer may be made
 * for the largest answer that there may be.
 */
export class PageBuffers {
  private readonly memory: PageMemory | undefined;
  private readonly reservation: Reservation | undefined;
  private readonly held = new Map<ArrayBuffer, Stretch>();
  /** What was reserved beforehand counts until it is clear what the page takes. */
  private least: number;
  private counted = 0;

  /** @param reservation of `memory`; without them nothing is counted, or kept for later. */
  constructor(memory?: PageMemory, reservation?: Reservation) {
    this.memory = memory;
    this.reservation = reservation;
    this.least = reservation?.bytes ?? 0;
  }

  /** Bytes that the page takes. */
  get bytes(): number {
    return this.counted;
  }

  /**
   * At least so many bytes, whatever is in them.
   *
   * @param touched bytes that will be written to for now, see `touch`; all of them without it.
   * @throws MemoryShort
   */
  take(bytes: number, touched?: number): ArrayBuffer {
    const spare = this.memory?.spare(bytes);
    const buffer = spare?.buffer ?? Buffer.allocUnsafeSlow(8 * Math.ceil((bytes * ROOM) / 8)).buffer;
    const was = spare?.touched ?? 0;
    try {
      this.hold(buffer, { was, counted: Math.max(was, touched ?? buffer.byteLength) });
    } catch (error) {
      if (spare !== undefined) this.memory?.keep(spare);
      throw error;
    }
    return buffer;
  }

  /** The first so many bytes of a buffer are about to have been written to. @throws MemoryShort */
  touch(buffer: ArrayBuffer, bytes: number): void {
    const stretch = this.held.get(buffer);
    if (stretch === undefined || bytes <= stretch.counted) return;
    try {
      this.hold(buffer, { ...stretch, counted: Math.min(buffer.byteLength, Math.ceil(bytes * AHEAD)) });
    } catch {
      this.hold(buffer, { ...stretch, counted: bytes });
    }
  }

  /** No more than so many bytes of a buffer were written to. */
  filled(buffer: ArrayBuffer, bytes: number): void {
    const stretch = this.held.get(buffer);
    if (stretch !== undefined) this.hold(buffer, { ...stretch, counted: Math.max(stretch.was, bytes) });
  }

  /** Takes memory back, of `take` and used up: what comes next is put into it. */
  give(buffer: ArrayBuffer): void {
    const stretch = this.held.get(buffer);
    if (stretch === undefined) return;
    this.held.delete(buffer);
    this.count(this.counted - stretch.counted);
    this.memory?.keep({ buffer, touched: stretch.counted });
  }

  /** Memory from elsewhere that the page takes too. @throws MemoryShort */
  add(bytes: number): void {
    this.count(this.counted + bytes);
  }

  /** The page is asked for once more: nobody looks at what has come any more. */
  restart(): void {
    for (const buffer of this.held.keys()) this.give(buffer);
  }

  /** The page is complete, and takes no more. */
  settle(): void {
    this.least = 0;
    this.count(this.counted);
  }

  /** Gives all of it back, once: nobody may look at the page any more. */
  release(): void {
    this.restart();
    this.least = 0;
    this.reservation?.release();
  }

  private hold(buffer: ArrayBuffer, stretch: Stretch): void {
    this.count(this.counted + stretch.counted - (this.held.get(buffer)?.counted ?? 0));
    this.held.set(buffer, stretch);
  }

  private count(bytes: number): void {
    this.reservation?.resize(Math.max(this.least, bytes));
    this.counted = bytes;
  }
}
