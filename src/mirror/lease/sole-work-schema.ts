import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore } from '../drizzle.ts';

const { integer, primaryKey, text } = pgCore;

/** Work on an environment that one process does for all: fetching bodies of files, or reading details of audit rows. */
export type SoleWork = 'files' | 'audit-details';

/** The table of the processes that do such work. @param table as for the other tables of the state. */
export function defineSoleWork<S extends string | undefined>(table: PgTableFn<S>) {
  const soleWorkers = table(
    'sole_workers',
    {
      environmentId: integer('environment_id').notNull(),
      work: text('work').$type<SoleWork>().notNull(),
      holder: text('holder').notNull(),
      /** From then on, another process may do the work. */
      expiresAt: moment('expires_at').notNull(),
    },
    (t) => [primaryKey({ name: 'sole_workers_pkey', columns: [t.environmentId, t.work] })],
  );
  return { soleWorkers };
}
