import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore } from '../drizzle.ts';

const { integer, primaryKey, text } = pgCore;

/** The table of nudges. @param table as for the other tables of the state. */
export function defineNudges<S extends string | undefined>(table: PgTableFn<S>) {
  /**
   * What the processes have to know of each other's nudges. It is no part of `tables`, because a page that is being
   * stored locks the row there.
   */
  const nudges = table(
    'nudges',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** From when on a nudge may make a process poll the table again; null where none did. */
      freeAt: moment('free_at'),
      /** When a process last got a nudge for the table that it does not mirror itself; null where none did. */
      nudgedAt: moment('nudged_at'),
    },
    (t) => [primaryKey({ name: 'nudges_pkey', columns: [t.environmentId, t.table] })],
  );
  return { nudges };
}
