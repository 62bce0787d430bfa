import type pg from 'pg';
import type { AuditDetail } from '../../model/audit/audited-values.ts';
import { eq } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import { transaction } from '../connection/postgres.ts';
import { qualifiedName } from '../table/identifier.ts';
import type { DetailPlace } from './detail-queue.ts';
import { detailTable, ensureDetails, findAudit, hasDetails } from './detail-table.ts';

/** What came of the request for a detail. */
export type DetailOutcome =
  | { readonly is: 'stored'; readonly detail: AuditDetail }
  /** The environment does not have the audit row any more. */
  | { readonly is: 'gone' }
  | { readonly is: 'refused'; readonly errorCode: string | null };

/**
 * Stores what came of the request for a detail, all of it or nothing. A detail of a row that was erased meanwhile is not
 * stored.
 */
export async function storeDetail(
  { pool, schema, stateSchema, store }: DetailPlace,
  auditId: string,
  outcome: DetailOutcome,
  signal: AbortSignal,
): Promise<void> {
  const detail = outcome.is === 'stored' ? outcome.detail : undefined;
  const errorCode = outcome.is === 'refused' ? outcome.errorCode : null;
  await transaction(
    pool,
    async (client) => {
      await ensureDetails(client, schema);
      const { rowCount } = await client.query(
        `INSERT INTO ${qualifiedName(stateSchema, 'audit_reads')} AS r (environment_id, auditid, outcome, detail, error_code, read_at)
         VALUES ($1, $2::uuid, $3, $4, $5, clock_timestamp())
         ON CONFLICT (environment_id, auditid) DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail,
           error_code = excluded.error_code, read_at = excluded.read_at WHERE r.outcome <> 'erased'`,
        [store.environmentId, auditId, outcome.is, detail?.kind ?? null, errorCode],
      );
      if (detail === undefined || rowCount === 0) return;
      await client.query(`DELETE FROM ${detailTable(schema)} WHERE auditid = $1::uuid`, [auditId]);
      await client.query(
        `INSERT INTO ${detailTable(schema)} (auditid, detail, attribute, old_value, new_value, old_entitytype, new_entitytype)
         SELECT $1::uuid, $2, attribute, old_value, new_value, old_entitytype, new_entitytype
           FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                AS v(attribute, old_value, new_value, old_entitytype, new_entitytype)`,
        [
          auditId,
          detail.kind,
          detail.values.map(({ attribute }) => attribute),
          detail.values.map(({ before }) => before),
          detail.values.map(({ after }) => after),
          detail.values.map(({ tableBefore }) => tableBefore),
          detail.values.map(({ tableAfter }) => tableAfter),
        ],
      );
    },
    signal,
  );
}

/**
 * Deletes the details of audit rows that are gone from the mirror, as the environment's retention removes them. A row that
 * is marked deleted is still there, and keeps its detail. This is only for a mirror table that has all its rows: during
 * a first load every row would seem to be gone.
 *
 * @returns the audit rows whose details were deleted.
 */
export async function dropOrphans(
  { pool, schema, stateSchema, store }: DetailPlace,
  signal: AbortSignal,
): Promise<number> {
  return transaction(
    pool,
    async (client) => {
      const audit = await findAudit(client, schema);
      if (audit === undefined) return 0;
      const isGone = (id: string): string =>
        `NOT EXISTS (SELECT FROM ${audit.qualified} a WHERE a.auditid = ${id})`;
      if (await hasDetails(client, schema)) {
        await client.query(`DELETE FROM ${detailTable(schema)} d WHERE ${isGone('d.auditid')}`);
      }
      const { rowCount } = await client.query(
        `DELETE FROM ${qualifiedName(stateSchema, 'audit_reads')} r WHERE r.environment_id = $1 AND ${isGone('r.auditid')}`,
        [store.environmentId],
      );
      return rowCount ?? 0;
    },
    signal,
  );
}

/**
 * Deletes the values of attributes that the configuration has left out or hashes since they were stored.
 *
 * @param isKept whether the details may have an attribute of a table.
 */
export async function dropUnwanted(
  { pool, schema }: DetailPlace,
  isKept: (table: string, attribute: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  await transaction(
    pool,
    async (client) => {
      const audit = await findAudit(client, schema);
      if (audit === undefined || !(await hasDetails(client, schema))) return;
      const ofAudit = `${detailTable(schema)} d JOIN ${audit.qualified} a ON a.auditid = d.auditid`;
      const { rows } = await client.query<{ subject: string; attribute: string }>(
        `SELECT DISTINCT ${audit.subject} AS subject, d.attribute FROM ${ofAudit} WHERE d.detail = 'AttributeAuditDetail'`,
      );
      for (const { subject, attribute } of rows) {
        if (isKept(subject, attribute)) continue;
        await client.query(
          `DELETE FROM ${detailTable(schema)} d USING ${audit.qualified} a
            WHERE a.auditid = d.auditid AND ${audit.subject} = $1 AND d.attribute = $2`,
          [subject, attribute],
        );
      }
    },
    signal,
  );
}

/**
 * Erases the details of audit rows: that of the audit row with this id, or those of all audit rows about a row of another
 * table. They are not read again, although the mirror has the audit rows.
 *
 * @returns the values that were removed.
 */
export async function eraseDetails(
  client: pg.PoolClient,
  { schema, stateSchema, environmentId }: { schema: string; stateSchema: string; environmentId: number },
  { table, key }: { readonly table: string; readonly key: string },
): Promise<number> {
  const audit = await findAudit(client, schema);
  if (audit === undefined) return 0;
  await ensureDetails(client, schema);
  const isAbout =
    audit.object === undefined ? 'false' : `${audit.object} = $2::uuid AND ${audit.subject} = $1`;
  const { rows } = await client.query<{ removed: number }>(
    `WITH about AS (SELECT a.auditid FROM ${audit.qualified} a
         WHERE CASE WHEN $1 = 'audit' THEN a.auditid = $2::uuid ELSE ${isAbout} END),
     known AS (INSERT INTO ${qualifiedName(stateSchema, 'audit_reads')} AS r (environment_id, auditid, outcome, read_at)
         SELECT $3, auditid, 'erased', clock_timestamp() FROM about
         ON CONFLICT (environment_id, auditid) DO UPDATE SET outcome = 'erased', read_at = excluded.read_at),
     removed AS (DELETE FROM ${detailTable(schema)} d USING about WHERE d.auditid = about.auditid RETURNING 1)
     SELECT count(*)::int AS removed FROM removed`,
    [table, key, environmentId],
  );
  return rows[0]?.removed ?? 0;
}

/** Drops the table of details, and forgets what was read. */
export async function dropDetails(client: pg.PoolClient, store: StateStore, schema: string): Promise<void> {
  const { auditReads } = store.tables;
  if (await hasDetails(client, schema)) await client.query(`DROP TABLE ${detailTable(schema)}`);
  await store.db.delete(auditReads).where(eq(auditReads.environmentId, store.environmentId));
}
