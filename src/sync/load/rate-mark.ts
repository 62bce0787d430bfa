/** Milliseconds that a rate looks back at least, once a load is old enough. */
const MINUTE = 60_000;

interface Point {
  readonly rows: number;
  /** By `performance.now()`. */
  readonly at: number;
}

/**
 * From where the rate of a load is measured: from its begin, and later from a point that is one to two minutes back.
 * The time that is left would be far too short if a rate from before the budget was spent counted.
 */
export class RateMark {
  private point: Point;
  private next: Point;

  constructor(rows: number, at: number) {
    this.point = { rows, at };
    this.next = this.point;
  }

  get rows(): number {
    return this.point.rows;
  }

  get at(): number {
    return this.point.at;
  }

  /** The load has so many rows now. @returns whether the mark has moved. */
  reached(rows: number, at: number): boolean {
    if (at - this.next.at < MINUTE) return false;
    const moves = this.point !== this.next;
    this.point = this.next;
    this.next = { rows, at };
    return moves;
  }
}
