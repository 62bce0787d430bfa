import type { Advance, Checkpoint } from '../../model/checkpoint.ts';
import { interval, sql } from '../drizzle.ts';
import type { StateStore } from './store.ts';

/** One page of a baseline or re-baseline, as the figures of the load count it. */
export interface LoadPage {
  readonly rows: number;
  /** The load begins with this page. */
  readonly begins: boolean;
  /** Rows that the environment counted; null where it did not say, or not yet. */
  readonly expected: number | null;
  /**
   * From where the rate is measured: so long ago, and so many rows before this page. Null if the state has it already.
   */
  readonly mark: { readonly milliseconds: number; readonly rows: number } | null;
}

/**
 * What a page means for the figures of a load; undefined where it means nothing. The figures of a re-baseline end with
 * its sweep, because the table is not up to date before.
 */
export function loadAfter(step: {
  readonly from: Checkpoint;
  readonly advance: Advance;
  readonly begins: boolean;
  readonly load?: LoadPage;
}): LoadPage | 'over' | undefined {
  if (step.from.phase !== 'delta' && step.advance.checkpoint.phase === 'delta') return 'over';
  return step.load ?? (step.begins ? 'over' : undefined);
}

/**
 * The assignments that count a page of a load. A count of the environment may be a day old: the load expects at least
 * the rows that it has stored.
 */
export function loadColumns({ tables: { tables } }: StateStore, load: LoadPage | 'over' | undefined) {
  if (load === undefined) return {};
  if (load === 'over') return NO_LOAD;
  const { rows, begins, expected, mark } = load;
  const before = begins ? sql`0::bigint` : sql`coalesce(${tables.rowsLoaded}, 0)`;
  const known = begins
    ? sql`${expected}::bigint`
    : sql`coalesce(${expected}::bigint, ${tables.rowsExpected})`;
  const loaded = sql`${before} + ${rows}::bigint`;
  return {
    rowsLoaded: loaded,
    rowsExpected: sql`CASE WHEN ${known} < ${loaded} THEN ${loaded} ELSE ${known} END`,
    loadStoredAt: sql`clock_timestamp()`,
    ...(mark === null
      ? {}
      : {
          loadBegunAt: sql`clock_timestamp() - ${interval(mark.milliseconds)}`,
          loadBegunRows: sql`${before} - ${mark.rows}::bigint`,
        }),
  };
}

/** The columns of a table that no load is under way of. */
const NO_LOAD = {
  rowsLoaded: null,
  rowsExpected: null,
  loadBegunAt: null,
  loadBegunRows: null,
  loadStoredAt: null,
};
