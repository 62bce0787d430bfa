import { Failure } from '../../model/failure.ts';
import { selectionOf, type Table } from '../../model/table.ts';

/** TooManyCalculatedFieldsInQuery. The limit itself is only in the message's text. */
const TOO_MANY_CALCULATED = '0x80060429';

export function isTooManyCalculated(error: unknown): boolean {
  return error instanceof Failure && error.details['errorCode'] === TOO_MANY_CALCULATED;
}

/**
 * How many calculated columns of each table one request may name, learnt from refusals. The limits are kept
 * for the life of the process, so that each is learnt once.
 */
export class CalculatedLimits {
  private readonly limits = new Map<string, number>();

  /** Infinity if no request was refused yet. */
  of(table: string): number {
    return this.limits.get(table) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Records that a request was refused which named so many calculated columns.
   *
   * @returns whether a request with fewer is worth a try.
   */
  refused(table: string, named: number): boolean {
    if (named <= 0) return false;
    this.limits.set(table, Math.max(1, Math.min(this.of(table), named >> 1)));
    return true;
  }
}

/** Columns that the environment refuses, by table, with the selection for which they were found. */
export class RefusedColumns {
  private readonly found = new Map<
    string,
    { readonly selection: string; readonly names: readonly string[] }
  >();

  remember(table: Table, names: readonly string[]): void {
    this.found.set(table.logicalName, { selection: selectionOf(table), names });
  }

  /** The refused columns of a table; none if they were found for another selection. */
  of(table: Table): readonly string[] {
    const found = this.found.get(table.logicalName);
    return found?.selection === selectionOf(table) ? found.names : [];
  }
}
