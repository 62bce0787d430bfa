import type { PreparedRows } from './prepared-rows.ts';

/** Copies of prepared rows, so that none is written over while it is still being sent. */
export class Rotation {
  private readonly first: PreparedRows;
  private readonly spare: PreparedRows[];

  constructor(first: PreparedRows) {
    this.first = first;
    this.spare = [first];
  }

  /** One that nobody sends; to be given back once its bytes have left. */
  take(): PreparedRows {
    return this.spare.pop() ?? this.first.copy();
  }

  give(rows: PreparedRows): void {
    this.spare.push(rows);
  }
}
