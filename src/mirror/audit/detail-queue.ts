import { transaction } from '../connection/postgres.ts';
import { and, eq } from '../drizzle.ts';
import type { Mirror } from '../mirror.ts';
import { qualifiedName } from '../table/identifier.ts';
import { AUDIT, findAudit } from './detail-table.ts';

/** What the queue of details needs of the mirror. */
export type DetailPlace = Pick<Mirror, 'pool' | 'schema' | 'stateSchema' | 'store'>;

/** An audit row whose detail was not read yet. */
export interface DueDetail {
  readonly auditId: string;
  /** The table whose row was audited. */
  readonly table: string;
}

/** When a refused detail is asked for again: somebody may have given the privilege meanwhile. */
const AGAIN = "interval '1 day'";

/** Where the mirror table `audit` stands. */
export interface AuditState {
  /** The table was loaded once, and its mirror has every row. */
  readonly isLoaded: boolean;
  /** Rows that runs of all processes have written or deleted so far. */
  readonly changes: number;
}

/** Reads where the table stands; undefined where it is not mirrored. */
export async function auditState({ store }: DetailPlace): Promise<AuditState | undefined> {
  const { tables } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ phase: tables.phase, changes: tables.changes })
      .from(tables)
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, AUDIT))),
  );
  return row && { isLoaded: row.phase === 'delta', changes: row.changes };
}

/**
 * Finds audit rows whose details are due, the newest first. It compares the mirror with what was read, so no row can be
 * missed, whatever process stored it. Refused details come last, after a day.
 *
 * @param tables the tables whose audit rows have details.
 */
export async function dueDetails(
  { pool, schema, stateSchema, store }: DetailPlace,
  tables: readonly string[],
  count: number,
  signal: AbortSignal,
): Promise<DueDetail[]> {
  return transaction(
    pool,
    async (client) => {
      const audit = await findAudit(client, schema);
      if (audit === undefined) return [];
      const { rows } = await client.query<{ id: string; subject: string }>(
        `SELECT a.auditid::text AS id, ${audit.subject} AS subject
           FROM ${audit.qualified} a
           LEFT JOIN ${qualifiedName(stateSchema, 'audit_reads')} r ON r.environment_id = $1 AND r.auditid = a.auditid
          WHERE ${audit.subject} = ANY ($2::text[]) AND ${audit.isLive}
            AND (r.auditid IS NULL OR (r.outcome = 'refused' AND r.read_at < clock_timestamp() - ${AGAIN}))
          ORDER BY r.auditid IS NOT NULL, ${audit.newestFirst} LIMIT $3`,
        [store.environmentId, tables, count],
      );
      return rows.map(({ id, subject }) => ({ auditId: id, table: subject }));
    },
    signal,
  );
}
