import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { DELETED_AT, type MirrorTable } from '../table/mirror-table.ts';
import { readErasureWord } from './delete-approval.ts';
import type { StateStore } from '../state/store.ts';
import { coversErasure, mayErase, type SweepLimits } from './sweep-guard.ts';

/** Rows that are marked deleted, of a table whose deletes are hard now: they are to go. */
export interface MarkedRows {
  readonly marked: number;
  /** All rows, the marked ones among them. */
  readonly rows: number;
  /** They go with the next run; otherwise they wait for somebody's word. */
  readonly allowed: boolean;
}

/**
 * Counts the rows that are marked deleted, and whether they may be deleted unasked: what was kept on
 * purpose is gone for good then, so the limits of a sweep hold, and a word for so many rows.
 *
 * @param store undefined where there is no state yet, and so no word.
 * @returns null where none is marked.
 */
export async function countMarkedRows(
  client: pg.PoolClient,
  store: StateStore | undefined,
  { qualified, table }: MirrorTable,
  limits: SweepLimits,
): Promise<MarkedRows | null> {
  const { rows: counted } = await client.query<{ marked: number; rows: number }>(
    `SELECT count(${quoteIdentifier(DELETED_AT)})::float8 AS marked, count(*)::float8 AS "rows" FROM ${qualified}`,
  );
  const { marked = 0, rows = 0 } = counted[0] ?? {};
  if (marked === 0) return null;
  const counts = { unseen: marked, rows };
  const word = store && (await readErasureWord(store.on(client), table.logicalName));
  const agreed = word?.allowed === true && coversErasure(counts, word.marked ?? 0);
  return { marked, rows, allowed: agreed || mayErase(counts, limits) };
}

/** What a run ends with that leaves marked rows where they are; it has brought everything else. */
export function erasureRefused(table: string, { marked, rows }: MarkedRows): Failure {
  return new Failure({
    code: 'erasure-refused',
    message: `Deletes of table ${table} are hard now, and ${marked} of ${rows} rows are marked deleted. They stay until you confirm that mirrorverse may delete them.`,
    remedy: `\`mirrorverse plan ${table} --apply\` lets the next run delete them; \`deletes: soft\` keeps them.`,
    details: { table, marked, rows },
  });
}
