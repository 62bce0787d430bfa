import type { CopyMemory } from './copy-memory.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';

/**
 * Bytes of a piece: worth sending while the rest is being written. The connection's own queue holds less,
 * see `CopyMemory`.
 */
export const PIECE = 65_536;

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
  }

  /** What was written since the last piece was taken. */
  get written(): Uint8Array {
    return this.out.subarray(0, this.length);
  }

  /** Begins another piece: the one before is good until the next but one. */
  turn(): void {
    this.memory.turn();
    this.length = 0;
    this.out = this.memory.bytes;
    this.outView = this.memory.view;
  }

  /** Makes room for `more` bytes; `out` and `outView` may be others afterwards. */
  protected reserve(more: number): void {
    if (this.length + more <= this.out.length) return;
    this.memory.grow(this.length, more);
    this.out = this.memory.bytes;
    this.outView = this.memory.view;
  }
}
