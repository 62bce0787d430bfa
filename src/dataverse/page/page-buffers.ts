import type { PageMemory, Reservation } from './page-memory.ts';

/** New memory is larger than asked for, so that a somewhat larger page can use it later. */
const ROOM = 1.0625;
/** While a body comes, somewhat more than the received bytes is counted, so that not every piece counts anew. */
const AHEAD = 1.125;

interface Stretch {
  /** Bytes that an earlier page has written to. */
  readonly was: number;
  /** Bytes that count as used. */
  readonly counted: number;
}

/**
 * The memory of one page: the bytes of its answer, and the cells that the parser makes.
 *
 * Memory of earlier pages is used again where possible. Node collects garbage for every few dozen megabytes
 * of new memory outside its heap. With new memory for each page, that alone took a fifth of a baseline's time.
 *
 * Only bytes that were written to count, because the operating system provides no others. A buffer may
 * therefore have room for the largest possible answer.
 */
export class PageBuffers {
  private readonly memory: PageMemory | undefined;
  private readonly reservation: Reservation | undefined;
  private readonly held = new Map<ArrayBuffer, Stretch>();
  /** The reserved bytes count until the size of the page is known. */
  private least: number;
  private counted = 0;

  /** @param reservation of `memory`. Without both, nothing is counted and nothing is kept for later pages. */
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
   * Memory of at least so many bytes. Its content is arbitrary.
   *
   * @param touched bytes that will be written to for now, see `touch`; all bytes if it is left out.
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

  /** Counts the first so many bytes of a buffer, which are about to be written. @throws MemoryShort */
  touch(buffer: ArrayBuffer, bytes: number): void {
    const stretch = this.held.get(buffer);
    if (stretch === undefined || bytes <= stretch.counted) return;
    try {
      this.hold(buffer, { ...stretch, counted: Math.min(buffer.byteLength, Math.ceil(bytes * AHEAD)) });
    } catch {
      this.hold(buffer, { ...stretch, counted: bytes });
    }
  }

  /** Counts only the first so many bytes of a buffer: no others were written. */
  filled(buffer: ArrayBuffer, bytes: number): void {
    const stretch = this.held.get(buffer);
    if (stretch !== undefined) this.hold(buffer, { ...stretch, counted: Math.max(stretch.was, bytes) });
  }

  /** Returns memory of `take` that is no longer needed, so that the next `take` may use it. */
  give(buffer: ArrayBuffer): void {
    const stretch = this.held.get(buffer);
    if (stretch === undefined) return;
    this.held.delete(buffer);
    this.count(this.counted - stretch.counted);
    this.memory?.keep({ buffer, touched: stretch.counted });
  }

  /** Counts memory from elsewhere that the page also takes. @throws MemoryShort */
  add(bytes: number): void {
    this.count(this.counted + bytes);
  }

  /** Returns all memory before the page is requested again. Bytes that came before must not be used any more. */
  restart(): void {
    for (const buffer of this.held.keys()) this.give(buffer);
  }

  /** Counts only what the page takes, now that it is complete. */
  settle(): void {
    this.least = 0;
    this.count(this.counted);
  }

  /** Returns all memory and the reservation, once. The page must not be used any more. */
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
