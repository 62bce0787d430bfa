/** Bytes of a usual stretch: a piece, with room for the row that completes it. */
const USUAL = 128 * 1024;
/** The most bytes that a stretch keeps for the next page; a longer one is let go. */
const KEPT = 256 * 1024;

/**
 * The memory that rows of one table are written to for COPY: two stretches in turn, each for one piece. (`PageMemory`
 * limits the memory of all pages that are read; `PageBuffers` is the memory that one page is read into.)
 *
 * The connection has certainly sent a piece only when it has taken all of the next one. So the piece after that may
 * overwrite it. Memory for a whole page would be as large as the page, for every table that is written at the time.
 */
export class CopyOutput {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  private other: Uint8Array = new Uint8Array(0);

  /** Makes room for `more` bytes after the first `used`, which stay. */
  grow(used: number, more: number): void {
    if (used + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(USUAL, this.bytes.length * 2, used + more));
    larger.set(this.bytes.subarray(0, used));
    this.use(larger);
  }

  /** Switches to the other stretch. */
  turn(): void {
    const { bytes } = this;
    this.use(this.other);
    this.other = bytes;
  }

  /** Lets go of memory that only a large row needed, once the page is stored. */
  shrink(): void {
    if (this.bytes.length > KEPT) this.use(new Uint8Array(0));
    if (this.other.length > KEPT) this.other = new Uint8Array(0);
  }

  private use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}
