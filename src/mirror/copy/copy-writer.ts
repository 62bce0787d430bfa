import type { CopyOutput } from './copy-output.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';

/**
 * Bytes of a piece: enough to send while the next one is being written. The connection's own queue holds
 * less, see `CopyOutput`.
 */
export const PIECE = 65_536;

/** The common part of writing rows for COPY in any format: a page's bytes, and memory to write to. */
export abstract class CopyWriter {
  length = 0;
  protected out: Uint8Array;
  protected outView: DataView;
  protected readonly bytes: Uint8Array;
  protected readonly view: DataView;
  protected readonly policy: RowPolicy;
  private readonly memory: CopyOutput;

  /** @param bytes of the page; the values are slices of them. */
  constructor(bytes: Uint8Array, memory: CopyOutput, policy: RowPolicy) {
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

  /** Begins another piece. The piece before stays valid until the one after this begins. */
  turn(): void {
    this.memory.turn();
    this.length = 0;
    this.out = this.memory.bytes;
    this.outView = this.memory.view;
  }

  /** Makes room for `more` bytes; `out` and `outView` may be other objects afterwards. */
  protected reserve(more: number): void {
    if (this.length + more <= this.out.length) return;
    this.memory.grow(this.length, more);
    this.out = this.memory.bytes;
    this.outView = this.memory.view;
  }
}
