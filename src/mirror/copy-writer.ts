import type { CopyMemory } from './copy-memory.ts';
import type { RowPolicy } from './row-policy.ts';

/** What writing rows for COPY has in common, whatever the format: a page's bytes, and memory to write to. */
export abstract class CopyWriter {
  length = 0;
  protected out: Uint8Array;
  protected outView: DataView;
  protected readonly bytes: Uint8Array;
  protected readonly view: DataView;
  protected readonly policy: RowPolicy;
  private readonly memory: CopyMemory;

  /** @param bytes that the page's values are slices of. */
  constructor(bytes: Uint8Array, memory: CopyMemory, policy: RowPolicy) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.policy = policy;
    this.memory = memory;
    this.out = memory.bytes;
    this.outView = memory.view;
    // Names and quotes are what is left out: COPY data have a third of the bytes of JSON.
    this.reserve(3 * (bytes.length >> 3));
  }

  /** What was written from `start` on. */
  written(start: number): Uint8Array {
    return this.out.subarray(start, this.length);
  }

  /** Makes room for `more` bytes; `out` and `outView` may be others afterwards. */
  protected reserve(more: number): void {
    if (this.length + more <= this.out.length) return;
    this.memory.grow(this.length, more);
    this.out = this.memory.bytes;
    this.outView = this.memory.view;
  }
}
