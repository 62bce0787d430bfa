import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore, sql } from '../drizzle.ts';

const { bigint, index, integer, primaryKey, text, uuid } = pgCore;

/** The tables of files. @param table as for the other tables of the state. */
export function defineFiles<S extends string | undefined>(table: PgTableFn<S>) {
  /** Bodies that rows name: those that were fetched, and those that wait. */
  const files = table(
    'files',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** The id of the row. */
      key: uuid('key').notNull(),
      column: text('column').notNull(),
      /** What tells the body from the next one in its place: the id of the file, id and time stamp of the image, the row version of the note. */
      fileId: text('file_id').notNull(),
      fileName: text('file_name'),
      mimeType: text('mime_type'),
      /** In hexadecimal; null while the body waits. */
      sha256: text('sha256'),
      bytes: bigint('bytes', { mode: 'number' }),
      /** Path or address of the body. */
      location: text('location'),
      foundAt: moment('found_at').notNull().defaultNow(),
      fetchedAt: moment('fetched_at'),
      /** When no row named the body any more; null while one does. Only `deletes: keep` keeps such an entry. */
      deletedAt: moment('deleted_at'),
      /** Tries that failed, when the next one is due, and why the last one failed. */
      attempts: integer('attempts').notNull().default(0),
      nextAttemptAt: moment('next_attempt_at'),
      errorCode: text('error_code'),
      errorMessage: text('error_message'),
    },
    (t) => [
      primaryKey({ name: 'files_pkey', columns: [t.environmentId, t.table, t.key, t.column, t.fileId] }),
      index('files_waiting')
        .on(t.environmentId, t.nextAttemptAt)
        .where(sql`sha256 IS NULL`),
      index('files_location').on(t.location),
    ],
  );

  /** Bodies that no entry may need any more, until the process at work has removed them. */
  const unusedBodies = table(
    'unused_bodies',
    {
      environmentId: integer('environment_id').notNull(),
      location: text('location').notNull(),
      sha256: text('sha256').notNull(),
      since: moment('since').notNull().defaultNow(),
    },
    (t) => [primaryKey({ name: 'unused_bodies_pkey', columns: [t.environmentId, t.location] })],
  );

  return { files, unusedBodies };
}
