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
   * Takes memory back, of `take` and used up: what comes next is put into it. A detached copy in its
   * place would be safer, but each detachment has V8 expect memory to shrink, and collect when it does not.
   */
  give(buffer: ArrayBuffer): void {
    if (!this.spare.includes(buffer)) this.spare.push(buffer);
  }
}
