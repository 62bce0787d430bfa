import { Failure } from '../../model/failure.ts';

/** TooManyCalculatedFieldsInQuery. The limit itself is only in the message's text. */
const TOO_MANY_CALCULATED = '0x80060429';

export function isTooManyCalculated(error: unknown): boolean {
  return error instanceof Failure && error.details['errorCode'] === TOO_MANY_CALCULATED;
}

/**
 * How many calculated columns of each table one request may name, as found out by being refused; kept
 * while the process lives, so that it is found out once.
 */
export class CalculatedLimits {
  private readonly limits = new Map<string, number>();

  /** Infinity where no request was refused yet. */
  of(table: string): number {
    return this.limits.get(table) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Takes note that a request which named so many was refused.
   *
   * @returns whether fewer are worth asking for.
   */
  refused(table: string, named: number): boolean {
    if (named <= 0) return false;
    this.limits.set(table, Math.max(1, Math.min(this.of(table), named >> 1)));
    return true;
  }
}
