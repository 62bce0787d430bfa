import * as fc from 'fast-check';
import type { SourceChange } from './scenario.ts';

/** A time in which the tables of a process run by nudges alone. Nudges tell of changes, lie, repeat or never come. */
export interface NudgedTime {
  readonly process: number;
  /** The number of the step. */
  readonly before: number;
  readonly acts: readonly NudgeAct[];
}

/** A change that a nudge tells of, a change without one, a nudge without a change, and one for a table of nobody. */
export type NudgeAct =
  | { readonly kind: 'told' | 'untold'; readonly change: SourceChange & { readonly table: number } }
  | { readonly kind: 'lie'; readonly table: number; readonly times: number }
  | { readonly kind: 'foreign' };

/** @param tables how many there are. */
export function nudgedTimes(
  tables: number,
  change: fc.Arbitrary<SourceChange & { readonly table: number }>,
): fc.Arbitrary<NudgedTime[]> {
  const table = fc.nat({ max: tables - 1 });
  const times = fc.integer({ min: 1, max: 20 });
  const act: fc.Arbitrary<NudgeAct> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('told', 'untold'), change }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('lie' as const), table, times }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('foreign' as const) }) },
  );
  const acts = fc.array(act, { minLength: 1, maxLength: 6, size: 'max' });
  const process = fc.nat({ max: 1 });
  const time = fc.record({ process, before: fc.nat({ max: 25 }), acts });
  return fc.array(time, { maxLength: 1, size: 'max' });
}
