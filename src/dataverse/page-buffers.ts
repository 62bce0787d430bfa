/** For pages that are somewhat larger than the first. */
const ROOM = 1.0625;

/**
 * Memory that the pages of one read come into, one after another.
 *
 * Node counts what lies outside its heap, and collects garbage for every few dozen megabytes of it: pages
 * in new memory each cost a fifth of a baseline's time for that alone.
 */
export class PageBuffers {
  private readonly spare: ArrayBuffer[] = [];

  /** At least so many bytes, whatever is in them. */
  take(bytes: number): ArrayBuffer {
    const found = this.spare.pop();
    // Pages are about alike: what is too small for this one is of no use to the next.
    if (found !== undefined && found.byteLength >= bytes) return found;
    const size = 8 * Math.ceil((bytes * ROOM) / 8);
    return Buffer.allocUnsafeSlow(size).buffer;
  }

  /**
   * Takes memory back, of `take` and used up. Views of it are empty from then on, so that whoever still
   * looks at the page meets nothing rather than another page's rows; further calls do nothing.
   */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength > 0) this.spare.push(structuredClone(buffer, { transfer: [buffer] }));
  }
}
