import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { DELETED_AT, type MirrorTable } from '../table/mirror-table.ts';
import { readErasureApproval } from './delete-approval.ts';
import type { StateStore } from '../state/store.ts';
import { coversErasure, mayErase, type SweepLimits } from './sweep-limits.ts';

/** Rows that are marked deleted in a table whose deletes are hard now, so that they have to go. */
export interface MarkedRows {
  readonly marked: number;
  /** All rows; the marked ones count. */
  readonly rows: number;
  /** The next run deletes them; otherwise they wait for a person's yes. */
  readonly allowed: boolean;
}

/**
 * Counts the rows that are marked deleted, and says whether they may be deleted unasked. They were kept on
 * purpose and will be gone for good, so the limits of a sweep hold, or a yes to so many rows.
 *
 * @param store undefined where there is no state yet, and so no yes.
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
  const approval = store && (await readErasureApproval(store.on(client), table.logicalName));
  const agreed = approval?.allowed === true && coversErasure(counts, approval.marked ?? 0);
  return { marked, rows, allowed: agreed || mayErase(counts, limits) };
}

/** The failure of a run that has brought everything and leaves marked rows where they are. */
export function erasureRefused(table: string, { marked, rows }: MarkedRows): Failure {
  return new Failure({
    code: 'erasure-refused',
    message: `Deletes of table ${table} are hard now, and ${marked} of ${rows} rows are marked deleted. They stay until you confirm that mirrorverse may delete them.`,
    remedy: `\`mirrorverse plan ${table} --apply\` lets the next run delete them; \`deletes: soft\` keeps them.`,
    details: { table, marked, rows },
  });
}
