/** Bytes: a piece, with room for the row that makes it full. */
const USUAL = 128 * 1024;
/** Bytes that are kept for the next page; what a large row took beyond them is let go. */
const KEPT = 256 * 1024;

/**
 * Memory that rows are written to for COPY, a piece after another: two stretches of it in turn.
 *
 * A piece is in the connection's queue until the connection has sent it, which is for certain only when
 * it has taken all of the next one: so the piece after that may be written over it. Memory for a whole
 * page would be as large as the page, for every table that is written at the time.
 */
export class CopyMemory {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  private other: Uint8Array = new Uint8Array(0);

  /** Makes room for `more` bytes after the first `used`, which are kept. */
  grow(used: number, more: number): void {
    if (used + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(USUAL, this.bytes.length * 2, used + more));
    larger.set(this.bytes.subarray(0, used));
    this.use(larger);
  }

  /** Goes on with the other stretch. */
  turn(): void {
    const { bytes } = this;
    this.use(this.other);
    this.other = bytes;
  }

  /** Lets go of what only a large row needed, once the page is stored. */
  shrink(): void {
    if (this.bytes.length > KEPT) this.use(new Uint8Array(0));
    if (this.other.length > KEPT) this.other = new Uint8Array(0);
  }

  private use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}
