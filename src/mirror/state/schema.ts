import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore, sql } from '../drizzle.ts';
import { defineAudit } from '../audit/audit-schema.ts';
import { defineNudges } from '../control/nudge-schema.ts';
import { defineShares } from '../lease/share-schema.ts';
import { defineSoleWork } from '../lease/sole-work-schema.ts';
import { defineWebhooks } from '../feed/webhook-schema.ts';
import { defineFiles } from '../files/file-schema.ts';
import { defineVerificationState } from '../verify/verify-schema.ts';

const { bigint, boolean, index, integer, pgSchema, pgTable, primaryKey, text, unique, uuid } = pgCore;

/**
 * Defines the daemon's own tables. `table` is pgTable for the migrations, which name no schema because the
 * user chooses it. For queries it is the table function of the chosen schema.
 */
function defineState<S extends string | undefined>(table: PgTableFn<S>) {
  const environments = table(
    'environments',
    {
      id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
      organizationId: uuid('organization_id').notNull(),
      url: text('url').notNull(),
      /** Rows of two environments must never meet in one schema. */
      mirrorSchema: text('mirror_schema').notNull(),
      linkLifeDays: integer('link_life_days'),
      /** The organization's base language. */
      language: integer('language'),
      /** Until when a process of ours holds all requests back, as the environment asked. */
      throttledUntil: moment('throttled_until'),
      /** What the last process wanted of the views with labels. */
      viewWishes: text('view_wishes'),
      /** Names the state of the environment's metadata that is stored; null where none is. */
      metadataBasis: text('metadata_basis'),
      /** Which process and which identity read the stored metadata. */
      metadataReader: text('metadata_reader'),
      /** The list of the environment's tables, as JSON; null where it has to be read. */
      metadataTables: text('metadata_tables'),
      /** When a process last asked for the counts of the tables. The environment renews them once a day. */
      countedAt: moment('counted_at'),
      firstSeenAt: moment('first_seen_at').notNull().defaultNow(),
    },
    (t) => [unique('environments_mirror_schema').on(t.mirrorSchema)],
  );

  const tables = table(
    'tables',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      phase: text('phase').notNull().default('new'),
      catchingUp: boolean('catching_up').notNull().default(false),
      link: text('link'),
      linkKind: text('link_kind'),
      /** The row version of the last delta link, once another link has taken its place; null where that link did not tell. */
      deltaVersion: bigint('delta_version', { mode: 'bigint' }),
      /** When the delta link that the feed follows was stored, or the baseline began. */
      linkIssuedAt: moment('link_issued_at'),
      selection: text('selection'),
      /** Rows a page in the chain of pages that the next link belongs to. */
      linkPageSize: integer('link_page_size'),
      /** The environment went back in time: versions of rows that were not seen yet mean nothing. */
      rewound: boolean('rewound').notNull().default(false),
      /** Rows that a sweep would delete. They are so many that a person has to say yes. */
      unseenRows: bigint('unseen_rows', { mode: 'number' }),
      /** A person has said yes to the sweep that waits. */
      sweepAllowed: boolean('sweep_allowed').notNull().default(false),
      /** Marked rows that hard deletes would remove: so many that a person has to say yes. */
      markedRows: bigint('marked_rows', { mode: 'number' }),
      /** A person has said yes to deleting the marked rows. */
      erasureAllowed: boolean('erasure_allowed').notNull().default(false),
      leaseHolder: text('lease_holder'),
      leaseExpiresAt: moment('lease_expires_at'),
      fence: bigint('fence', { mode: 'bigint' })
        .notNull()
        .default(sql`0`),
      lastAttemptAt: moment('last_attempt_at'),
      lastSuccessAt: moment('last_success_at'),
      failures: integer('failures').notNull().default(0),
      errorCode: text('error_code'),
      errorMessage: text('error_message'),
      errorRemedy: text('error_remedy'),
      errorReaction: text('error_reaction'),
      errorAt: moment('error_at'),
      /** The load that brought the mirror table's rows; null where none is known. */
      load: uuid('load'),
      /** Pages that brought something, of that load and since. */
      loadPages: bigint('load_pages', { mode: 'number' }).notNull().default(0),
      /** PostgreSQL's number of the mirror table that was loaded. */
      mirrorOid: bigint('mirror_oid', { mode: 'number' }),
      /** PostgreSQL's number of the file of the mirror table. */
      mirrorFile: bigint('mirror_file', { mode: 'number' }),
      /** Which partitions the mirror table has; null where it has none. See `identityOfPartitions`. */
      mirrorParts: text('mirror_parts'),
      /** Partitions that had rows when that was last counted; null where nobody counted. */
      filledParts: integer('filled_parts'),
      /** PostgreSQL's number of the table of marks. */
      marksOid: bigint('marks_oid', { mode: 'number' }),
      /** Whether the mirror table had rows when a page was last stored; null where that is unknown. */
      hasRows: boolean('has_rows'),
      /** The environment's own id of the table. It tells a table that was removed and made again. */
      metadataId: text('metadata_id'),
      /** Changes at the source that wait for a person's yes. */
      pending: text('pending'),
      /** The state of the environment's metadata that the stored labels belong to. */
      labelsVersion: text('labels_version'),
      /** Requests to the Web API about the table; each attempt counts. */
      requests: bigint('requests', { mode: 'number' }).notNull().default(0),
      /** Requests of runs that found no change. */
      idleRequests: bigint('idle_requests', { mode: 'number' }).notNull().default(0),
      /** Rows that runs have written or deleted. */
      changes: bigint('changes', { mode: 'number' }).notNull().default(0),
      countedSince: moment('counted_since'),
      /** Its row versions come from another counter than those of most tables, as those of elastic and virtual tables do. */
      ownCounter: boolean('own_counter').notNull().default(false),
      /** When a process noticed that its configuration has left the table out; void once a later run begins. */
      leftAt: moment('left_at'),
      /** When a person stopped the table; null where nobody did. */
      pausedAt: moment('paused_at'),
      /** When the pause ends by itself; null where it does not. */
      pausedUntil: moment('paused_until'),
      pausedReason: text('paused_reason'),
      /** When a person asked for a new baseline that has not begun yet; null where none waits. */
      resyncAskedAt: moment('resync_asked_at'),
      /** When a person asked for a verification that has not ended yet; null where none waits. */
      verifyAskedAt: moment('verify_asked_at'),
      /** Rows that the load under way has stored, over all processes; null while none is under way. */
      rowsLoaded: bigint('rows_loaded', { mode: 'number' }),
      /** Rows that the environment counted when the load began; null where it did not say. */
      rowsExpected: bigint('rows_expected', { mode: 'number' }),
      /** When the process at work began the load, or went on with it. */
      loadBegunAt: moment('load_begun_at'),
      /** Rows that the load had stored by then. */
      loadBegunRows: bigint('load_begun_rows', { mode: 'number' }),
      /** When the last page of the load was stored. */
      loadStoredAt: moment('load_stored_at'),
    },
    (t) => [primaryKey({ name: 'tables_pkey', columns: [t.environmentId, t.table] })],
  );

  const runs = table(
    'runs',
    {
      id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** The phase that the run began in. */
      phase: text('phase').notNull(),
      startedAt: moment('started_at').notNull(),
      finishedAt: moment('finished_at').notNull(),
      pages: integer('pages').notNull(),
      rowsRead: bigint('rows_read', { mode: 'number' }).notNull(),
      rowsWritten: bigint('rows_written', { mode: 'number' }).notNull(),
      rowsDeleted: bigint('rows_deleted', { mode: 'number' }).notNull(),
      rowsQuarantined: bigint('rows_quarantined', { mode: 'number' }).notNull(),
      errorCode: text('error_code'),
    },
    (t) => [index('runs_table_finished').on(t.environmentId, t.table, t.finishedAt)],
  );

  /** The catalog: which mirror column holds which attribute. */
  const columns = table(
    'columns',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      column: text('column').notNull(),
      /** The name in the mirror table, shortened where PostgreSQL would cut it. */
      identifier: text('identifier').notNull(),
      attribute: text('attribute').notNull(),
      property: text('property').notNull(),
      type: text('type').notNull(),
      /** The environment's id of the attribute whose values the column holds; null where that is unknown. */
      metadataId: text('metadata_id'),
      addedAt: moment('added_at').notNull().defaultNow(),
      removedAt: moment('removed_at'),
    },
    (t) => [primaryKey({ name: 'columns_pkey', columns: [t.environmentId, t.table, t.column] })],
  );

  /** Settings that mirror tables were prepared with lately, each with the last process that did it. */
  const settings = table(
    'settings',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      fingerprint: text('fingerprint').notNull(),
      /** As JSON. */
      settings: text('settings').notNull(),
      holder: text('holder').notNull(),
      seenAt: moment('seen_at').notNull(),
      /** When these settings came back after others; null where they did not. */
      returnedAt: moment('returned_at'),
    },
    (t) => [primaryKey({ name: 'settings_pkey', columns: [t.environmentId, t.table, t.fingerprint] })],
  );

  /** The last definition of each table, for times when the environment does not give it. */
  const definitions = table(
    'definitions',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** JSON, but not of type json: texts that people write may hold characters that jsonb does not take. */
      definition: text('definition').notNull(),
      /** Since when the definition cannot be read; null while it can. */
      unreadSince: moment('unread_since'),
      unreadCode: text('unread_code'),
      /** The state of the metadata that the definition belongs to; null where that is not known. */
      basis: text('basis'),
    },
    (t) => [primaryKey({ name: 'definitions_pkey', columns: [t.environmentId, t.table] })],
  );

  const quarantine = table(
    'quarantine',
    {
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      key: text('key').notNull(),
      version: bigint('version', { mode: 'bigint' }),
      reason: text('reason').notNull(),
      sqlstate: text('sqlstate'),
      time: moment('time').notNull().defaultNow(),
      /** When a person said that nobody can mend the row; null while it waits. */
      dismissedAt: moment('dismissed_at'),
    },
    (t) => [primaryKey({ name: 'quarantine_pkey', columns: [t.environmentId, t.table, t.key] })],
  );

  /** What people asked of tables: the record of every act, also of an act that changed nothing. */
  const commands = table(
    'commands',
    {
      id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
      environmentId: integer('environment_id').notNull(),
      table: text('table').notNull(),
      /** pause, resume, resync, verify, forget or erase. */
      command: text('command').notNull(),
      until: moment('until'),
      reason: text('reason'),
      askedAt: moment('asked_at')
        .notNull()
        .default(sql`clock_timestamp()`),
      /** The database role that asked. */
      askedBy: text('asked_by')
        .notNull()
        .default(sql`session_user`),
      /** How: sql, cli or http. */
      askedVia: text('asked_via').notNull().default('sql'),
    },
    (t) => [index('commands_table_asked').on(t.environmentId, t.table, t.askedAt)],
  );

  /** Requests to the Web API by minute, of all processes that sign in as one identity. */
  const requests = table(
    'requests',
    {
      environmentId: integer('environment_id').notNull(),
      /** A digest of the identity's id. */
      identity: text('identity').notNull(),
      minute: moment('minute').notNull(),
      requests: bigint('requests', { mode: 'number' }).notNull(),
    },
    (t) => [primaryKey({ name: 'requests_pkey', columns: [t.environmentId, t.identity, t.minute] })],
  );

  return {
    ...defineVerificationState(table),
    ...defineWebhooks(table),
    ...defineShares(table),
    ...defineSoleWork(table),
    ...defineAudit(table),
    ...defineNudges(table),
    ...defineFiles(table),
    environments,
    tables,
    runs,
    columns,
    settings,
    definitions,
    quarantine,
    commands,
    requests,
  };
}

/** The state tables in a schema, for queries. */
export function stateTables(schema: string) {
  return defineState(pgSchema(schema).table);
}

export type StateTables = ReturnType<typeof stateTables>;

// drizzle-kit reads these to write the migrations.
export const {
  environments,
  tables,
  runs,
  columns,
  settings,
  definitions,
  quarantine,
  commands,
  requests,
  shares,
  nudges,
  verified,
  differences,
  verifications,
  valueRounds,
  webhooks,
  deadLetters,
  auditReads,
  files,
  unusedBodies,
  soleWorkers,
} = defineState(pgTable);
