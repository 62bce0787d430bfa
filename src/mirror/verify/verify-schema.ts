import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore, sql } from '../drizzle.ts';

const { bigint, boolean, integer, primaryKey, text } = pgCore;

/** Defines the part of the state that verifications keep; see `defineState`. */
export function defineVerificationState<S extends string | undefined>(table: PgTableFn<S>) {
  /** When and how a table was last proven to equal its source, for each method. */
  const verified = table(
    'verified',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** sweep or values. */
      method: text('method').notNull(),
      /** The row version up to which the comparison holds; null where the link does not tell. */
      throughVersion: bigint('through_version', { mode: 'bigint' }),
      at: moment('at').notNull(),
      /** When the comparison began. Values that are compared in slices take many sweeps. */
      since: moment('since'),
      /** Rows that the source had. */
      rows: bigint('rows', { mode: 'number' }).notNull(),
      differences: bigint('differences', { mode: 'number' }).notNull(),
      requests: integer('requests').notNull(),
    },
    (t) => [primaryKey({ name: 'verified_pkey', columns: [t.environmentId, t.table, t.method] })],
  );

  /** Confirmed differences between mirror and source; none of their values. */
  const differences = table(
    'differences',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** The whole key as text, as in quarantine. */
      key: text('key').notNull(),
      /** missing, extra, stale or values. */
      kind: text('kind').notNull(),
      /** The mirror columns that differ; empty but for the kind values. */
      columns: text('columns')
        .array()
        .notNull()
        .default(sql`'{}'`),
      foundAt: moment('found_at').notNull(),
      confirmedAt: moment('confirmed_at').notNull(),
      repairedAt: moment('repaired_at'),
    },
    (t) => [primaryKey({ name: 'differences_pkey', columns: [t.environmentId, t.table, t.key] })],
  );

  /** Verifications under way, so that the next process goes on from the last page. */
  const verifications = table(
    'verifications',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      method: text('method').notNull(),
      /** What the comparison was begun with: load, columns and settings. Another one begins anew. */
      basis: text('basis').notNull(),
      /** walk or confirm. */
      stage: text('stage').notNull(),
      /** The next page; null for the first page of a window. */
      link: text('link'),
      linkPageSize: integer('link_page_size'),
      /** The window of row versions that is being read. */
      above: bigint('above', { mode: 'bigint' }),
      upTo: bigint('up_to', { mode: 'bigint' }),
      /** The row version that the mirror had reached when the walk began; null where the link does not tell. */
      begunVersion: bigint('begun_version', { mode: 'bigint' }),
      startedAt: moment('started_at').notNull(),
      rows: bigint('rows', { mode: 'number' }).notNull().default(0),
      requests: integer('requests').notNull().default(0),
      /** Whether a sweep compares the values of some rows too. */
      sliced: boolean('sliced').notNull().default(false),
      /** The row versions of these rows; null for no limit. */
      sliceAbove: bigint('slice_above', { mode: 'bigint' }),
      sliceUpTo: bigint('slice_up_to', { mode: 'bigint' }),
      sliceRows: bigint('slice_rows', { mode: 'number' }).notNull().default(0),
      sliceRequests: integer('slice_requests').notNull().default(0),
      /** The process at work, and when it stored its last step. */
      holder: text('holder'),
      storedAt: moment('stored_at'),
    },
    (t) => [primaryKey({ name: 'verifications_pkey', columns: [t.environmentId, t.table] })],
  );

  /** How far the values of a table are compared, slice by slice of its row versions. Each sweep compares one slice. */
  const valueRounds = table(
    'value_rounds',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** As of a verification. A round of another basis begins anew. */
      basis: text('basis').notNull(),
      /** When the last round ended. The next round has to end within `verify.values` of this time. */
      begunAt: moment('begun_at').notNull(),
      /** When the last slice ended. */
      slicedAt: moment('sliced_at'),
      /** The row version up to which the values are compared; null before the first slice. */
      throughVersion: bigint('through_version', { mode: 'bigint' }),
      /** Rows whose values were compared in this round, and the requests for them. */
      rows: bigint('rows', { mode: 'number' }).notNull().default(0),
      requests: integer('requests').notNull().default(0),
    },
    (t) => [primaryKey({ name: 'value_rounds_pkey', columns: [t.environmentId, t.table] })],
  );

  return { verified, differences, verifications, valueRounds };
}
