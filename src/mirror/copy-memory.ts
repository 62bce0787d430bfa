/** Memory for COPY data, kept from page to page: tens of megabytes each would keep the collector busy. */
export class CopyMemory {
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(new ArrayBuffer(0));

  /** Makes room for `more` bytes after the first `used`, which are kept. */
  grow(used: number, more: number): void {
    if (used + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, used + more));
    larger.set(this.bytes.subarray(0, used));
    this.bytes = larger;
    this.view = new DataView(larger.buffer, larger.byteOffset, larger.length);
  }
}
