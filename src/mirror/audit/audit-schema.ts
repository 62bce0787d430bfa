import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore } from '../drizzle.ts';

const { integer, primaryKey, text, uuid } = pgCore;

/** Defines the part of the state that knows the details of audit rows; see `defineState`. */
export function defineAudit<S extends string | undefined>(table: PgTableFn<S>) {
  /** What became of the request for the detail of each audit row. A row without an entry was not asked for yet. */
  const auditReads = table(
    'audit_reads',
    {
      environmentId: integer('environment_id').notNull(),
      auditId: uuid('auditid').notNull(),
      /** stored, gone, refused or erased. */
      outcome: text('outcome').notNull(),
      /** The kind of the detail, such as AttributeAuditDetail; null where none came. */
      detail: text('detail'),
      /** The error code of a refusal. */
      errorCode: text('error_code'),
      readAt: moment('read_at').notNull(),
    },
    (t) => [primaryKey({ name: 'audit_reads_pkey', columns: [t.environmentId, t.auditId] })],
  );

  return { auditReads };
}
