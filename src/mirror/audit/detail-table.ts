import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../table/identifier.ts';
import { DELETED_AT } from '../table/mirror-table.ts';

/** The table whose rows have details. */
export const AUDIT = 'audit';
const DETAILS = '_audit_details';

/** Key of the advisory lock for creating the table; every version must use the same. */
const CREATION_LOCK = '7305813221904011';

const COLUMNS = {
  auditid: ['uuid', 'The audit row.'],
  detail: ['text', 'The kind of the detail: AttributeAuditDetail, ShareAuditDetail and so on.'],
  attribute: ['text', 'The attribute that changed; for other kinds of details, the member of the detail.'],
  old_value: ['text', 'The value before, as the environment wrote it; null for none.'],
  new_value: ['text', 'The value after, as the environment wrote it; null for none.'],
  old_entitytype: ['text', 'The table that the value before points at, if the attribute is a lookup.'],
  new_entitytype: ['text', 'The table that the value after points at, if the attribute is a lookup.'],
} as const;

/** Schema and name of the table of details, quoted. It stands beside the mirror table `audit`. */
export function detailTable(schema: string): string {
  return qualifiedName(schema, DETAILS);
}

/** Whether the table of details exists. @throws Failure `name-taken` where something else has its name. */
export async function hasDetails(client: pg.ClientBase, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT c.relkind = 'r' AND (SELECT count(*) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = ANY ($2::text[])) = $3 AS ours
       FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [detailTable(schema), Object.keys(COLUMNS), Object.keys(COLUMNS).length],
  );
  const [found] = rows;
  if (found?.ours !== false) return found !== undefined;
  throw new Failure({
    code: 'name-taken',
    message: `${detailTable(schema)} exists, but it is not the table of audit details that mirrorverse keeps under this name.`,
    remedy: 'Rename or drop it, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.',
  });
}

/** Creates the table of details where there is none, in the caller's transaction. @throws Failure `name-taken` */
export async function ensureDetails(client: pg.ClientBase, schema: string): Promise<void> {
  if (await hasDetails(client, schema)) return;
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  if (await hasDetails(client, schema)) return;
  const name = detailTable(schema);
  const columns = Object.entries(COLUMNS).map(([column, [type]]) => `${column} ${type}`);
  const comments = Object.entries(COLUMNS).map(
    ([column, [, comment]]) => `COMMENT ON COLUMN ${name}.${column} IS ${quoteLiteral(comment)}`,
  );
  await client.query(
    `CREATE TABLE ${name} (${columns.join(', ')}, PRIMARY KEY (auditid, attribute));
     COMMENT ON TABLE ${name} IS 'What changed with each audit row of the tables in audit.details, one row an attribute.';
     ${comments.join(';')}`,
  );
}

/** The mirror table `audit`, as far as details need it. */
export interface AuditTable {
  /** Schema and name, quoted. */
  readonly qualified: string;
  /** SQL: the table whose row was audited, of row `a`. */
  readonly subject: string;
  /** SQL: the id of that row, of row `a`; undefined if the mirror does not have it. */
  readonly object: string | undefined;
  /** SQL: whether row `a` is not marked deleted. */
  readonly isLive: string;
  /** SQL: the order of rows `a`, newest first. */
  readonly newestFirst: string;
}

/**
 * Finds the mirror table `audit`; undefined where there is none, or where it does not have what details need. An older
 * environment has no `objecttypecode`, but the lookup `objectid` tells the table too.
 */
export async function findAudit(client: pg.ClientBase, schema: string): Promise<AuditTable | undefined> {
  const qualified = qualifiedName(schema, AUDIT);
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [qualified],
  );
  const names = new Set(rows.map(({ name }) => name));
  const subject = ['objecttypecode', 'objectid_entitytype'].find((name) => names.has(name));
  if (subject === undefined || !names.has('auditid')) return undefined;
  return {
    qualified,
    subject: `a.${subject}`,
    object: names.has('objectid') ? 'a.objectid' : undefined,
    isLive: names.has(DELETED_AT) ? `a.${quoteIdentifier(DELETED_AT)} IS NULL` : 'true',
    newestFirst: names.has('createdon') ? 'a.createdon DESC NULLS LAST, a.auditid' : 'a.auditid',
  };
}
