import { createTask, validate } from 'node-cron';
import { z } from 'zod';
import { audit, bodies, feed, files, history, longDuration, share } from './downstream/downstream-keys.ts';
import { webhook } from './downstream/webhook-key.ts';
import { distribution, partition } from './scale/scale-keys.ts';
import { LOG_LEVELS } from './log-settings.ts';
import { nudge, NUDGE_VARIABLES } from './nudge/nudge-keys.ts';

const schedule = z
  .string()
  .refine((value) => value === 'adaptive' || isCron(value), {
    error: 'must be a cron expression of 5 fields (or 6 with seconds), or the word adaptive',
  })
  .refine((value) => !isCron(value) || everTicks(value), {
    error: 'is a cron expression for a moment that never comes',
  });

function isCron(text: string): boolean {
  return [5, 6].includes(text.trim().split(/\s+/).length) && validate(text);
}

/** The library calls `0 0 31W 2 *` valid, but throws when it computes the next tick. */
function everTicks(cron: string): boolean {
  const task = createTask(cron, () => undefined);
  try {
    return task.getNextRuns(1).length === 1;
  } catch {
    return false;
  } finally {
    // Otherwise the library keeps the task as long as the process lives.
    void task.destroy();
  }
}

const SCHEDULES =
  'Cron expression of 5 fields, or 6 with seconds first. Or adaptive: 10 seconds after a poll that brought changes; after each other poll half as long again, up to an hour.';

const deletes = z
  .enum(['hard', 'soft'])
  .describe('hard: deleted rows leave the mirror. soft: they stay, marked by _deleted_at.');

const indexes = z
  .enum(['none', 'lookups'])
  .describe('lookups: mirrorverse keeps an index on each lookup of the mirror tables. none by default.');

const name = z.string().min(1);
const patterns = z.array(name);
const byteSize = z
  .string({ error: 'must be a size like 64MiB' })
  .regex(/^\d+(\.\d+)?(KiB|MiB|GiB)$/, 'must be a size like 64MiB');

const duration = (like: string): z.ZodString =>
  z
    .string({ error: `must be a duration like ${like}` })
    .regex(/^\d+(\.\d+)?(ms|s|m)$/, `must be a duration like ${like}`);

const verification = z.strictObject({
  every: longDuration('24h')
    .optional()
    .describe('How often keys and versions of every row are compared with the source: 24h by default.'),
  share: share.optional().describe("Share of the API's limits that verification may take: 5% by default."),
  values: z
    .union([z.literal(false), longDuration('30d')], { error: 'must be a duration like 30d, or false' })
    .optional()
    .describe('How often every value is compared: 30d by default; false for never.'),
  repair: z
    .enum(['off', 'report', 'repair'])
    .optional()
    .describe('report (by default) warns of differences, repair mends them, off only records them.'),
});

const rows = z
  .union(
    [
      z.string().trim().min(1, 'is empty'),
      z.strictObject({ fetchxml: z.string().trim().min(1, 'is empty') }),
    ],
    {
      error: 'must be an expression of SQL, or a mapping with fetchxml',
    },
  )
  .describe(
    'Which rows are mirrored: an expression of SQL over the columns of the mirror table. With mode: snapshot also fetchxml, a filter element of FetchXML. All rows by default.',
  );

const policy = z.enum(['apply', 'ask', 'refuse']);

const schemaName = z
  .string()
  .min(1)
  .refine((value) => Buffer.byteLength(value) <= 63 && !value.includes('\0'), {
    error: 'must be a name of at most 63 bytes',
  });

const tableSettings = z.strictObject({
  name: name.describe('Logical name of the table, or a pattern with * and ?.'),
  schedule: schedule.optional().describe(SCHEDULES),
  mode: z
    .enum(['changes', 'snapshot'])
    .optional()
    .describe(
      'changes: by change tracking. snapshot: by a full read, for tables that cannot be tracked; hourly unless schedule says otherwise.',
    ),
  columns: z
    .strictObject({
      include: patterns
        .optional()
        .describe(
          'Attributes to mirror, by logical name or pattern; * by default. A name brings what * leaves out: images, file bodies.',
        ),
      exclude: patterns.optional().describe('Attributes not to mirror, by logical name or pattern.'),
      hash: patterns
        .optional()
        .describe('Attributes mirrored as a keyed hash; the key is MIRRORVERSE_HASH_KEY.'),
    })
    .optional(),
  rows: rows.optional(),
  deletes: deletes.optional(),
  indexes: indexes.optional(),
  feed: feed.optional(),
  history: history.optional(),
  partition: partition.optional(),
  files: bodies.optional(),
});

/** The configuration file. The build publishes its JSON Schema for editors. */
export const settingsSchema = z.strictObject({
  dataverse: z
    .strictObject({
      url: z
        .string()
        .optional()
        .describe('Address of the environment, https://contoso.crm.dynamics.com. Variable DATAVERSE_URL.'),
      apiVersion: z
        .string({ error: 'must be a version in quotes, like "v9.1"' })
        .regex(/^v?\d+\.\d+$/, 'must be a version like v9.1')
        .optional()
        .describe('Version of the Web API: v9.2 by default, v9.1 on premises.'),
      resource: name
        .optional()
        .describe('Identifier of the environment at AD FS; by default its address with a slash at the end.'),
      auth: z
        .enum([
          'default',
          'client-secret',
          'client-certificate',
          'workload-identity',
          'managed-identity',
          'azure-cli',
          'access-token',
          'device-code',
          'browser',
        ])
        .optional()
        .describe('How to sign in. Variable MIRRORVERSE_AUTH.'),
    })
    .optional(),
  postgres: z
    .strictObject({
      url: z
        .string()
        .optional()
        .describe('postgres://user@host/database, or `embedded`. Variable DATABASE_URL.'),
      auth: z
        .enum(['password', 'entra'])
        .optional()
        .describe(
          'password (by default): the password of the address. entra: a token of Entra ID, for Azure Database for PostgreSQL. Variable MIRRORVERSE_POSTGRES_AUTH.',
        ),
      distribution: distribution.optional(),
      schema: schemaName
        .optional()
        .describe('Schema of the mirror tables; dataverse by default. Variable MIRRORVERSE_SCHEMA.'),
      stateSchema: schemaName
        .optional()
        .describe(
          "Schema of the daemon's own tables; mirrorverse by default. Variable MIRRORVERSE_STATE_SCHEMA.",
        ),
    })
    .optional(),
  schedule: schedule
    .optional()
    .describe(`${SCHEDULES} */5 * * * * by default. Variable MIRRORVERSE_SCHEDULE.`),
  deletes: deletes.optional(),
  indexes: indexes.optional(),
  feed: feed.optional(),
  history: history.optional(),
  files: files.optional(),
  lease: duration('30s')
    .optional()
    .describe('How long a killed process keeps the right to write a table: 30s by default.'),
  limits: z
    .strictObject({
      requestsPer5Minutes: z.int().min(1).max(1_000_000).optional(),
      requestsPerDay: z
        .int()
        .min(1)
        .max(1_000_000_000)
        .optional()
        .describe(
          'Requests in 24 hours, over all processes. Beyond it, loads and verification wait, and changes go on. No limit by default.',
        ),
      concurrency: z.int().min(1).max(1_000).optional().describe('Requests in flight.'),
      pageSize: z.int().min(1).max(5_000).optional().describe('Rows in a page, at most.'),
      pageBytes: byteSize
        .optional()
        .describe('Size of a page, about; a page of wide rows has fewer rows. 64MiB by default.'),
      memory: byteSize
        .optional()
        .describe(
          'Memory for pages that are read or wait to be written, over all tables: 256MiB by default.',
        ),
      tables: z.int().min(1).max(1_000).optional().describe('Tables worked on at once.'),
      requestTimeout: duration('120s')
        .optional()
        .describe('From the start of a request to the end of its answer: 120s by default.'),
    })
    .optional(),
  labels: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          language: z
            .int()
            .min(1)
            .max(65_535)
            .optional()
            .describe("Language of the views' labels, as 1033; the organization's base language by default."),
          schema: z
            .union([z.literal(false), schemaName], { error: 'must be the name of a schema, or false' })
            .optional()
            .describe(
              'Schema of the views with labels and names, dataverse_labeled by default; false for none.',
            ),
        }),
      ],
      { error: 'must be false, or a mapping with language and schema; leave it out to have labels' },
    )
    .optional()
    .describe('Labels of choices, tables and columns; false for none.'),
  compatibility: z
    .strictObject({
      synapseLink: schemaName
        .optional()
        .describe('Schema for OptionsetMetadata and its five sisters, as Synapse Link has them.'),
      fivetran: schemaName
        .optional()
        .describe(
          'Schema for stringmap and a view of each table, as Fivetran has them; in the schema of the mirror tables, stringmap alone.',
        ),
    })
    .optional()
    .describe('Views in the shape of other tools, none by default.'),
  drift: z
    .strictObject({
      columnAdded: policy.optional(),
      columnRemoved: policy.optional(),
      columnRetyped: policy.optional(),
    })
    .optional()
    .describe('What happens when the source changes: apply (by default), ask, or refuse.'),
  quarantine: z
    .strictObject({
      nul: z
        .enum(['quarantine', 'replace'])
        .optional()
        .describe(
          'What happens to text with a NUL character: quarantine (by default), or replace, which stores U+FFFD in place of NUL.',
        ),
      maxShare: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Share of a page that may go to quarantine before the table stops: 0.1 by default.'),
    })
    .optional(),
  sweep: z
    .strictObject({
      maxShare: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          'Share of the rows that the sweep after a re-baseline may delete before it waits for a yes: 0.2 by default, 1 never waits. Variable MIRRORVERSE_SWEEP_MAX_SHARE.',
        ),
      atLeast: z
        .int()
        .min(0)
        .optional()
        .describe(
          'This many rows may always be deleted, unless almost no row would be left: 1000 by default.',
        ),
    })
    .optional(),
  verify: z
    .union([z.literal(false), verification], {
      error: 'must be false, or a mapping with every, share, values and repair',
    })
    .optional()
    .describe('How the daemon compares mirror and source in the background; false for not at all.'),
  audit: audit.optional(),
  webhooks: z
    .array(webhook)
    .optional()
    .describe('Addresses to which the daemon posts what changed in the mirror tables; none by default.'),
  nudge,
  log: z
    .strictObject({
      level: z
        .enum(LOG_LEVELS)
        .optional()
        .describe('How much is logged: info by default. Variable MIRRORVERSE_LOG_LEVEL.'),
    })
    .optional(),
  reload: z
    .enum(['watch', 'signal'])
    .optional()
    .describe(
      'When the daemon reads this file anew: watch (by default) after a change of the file and at SIGHUP, signal only at SIGHUP.',
    ),
  health: z
    .strictObject({
      port: z
        .int()
        .min(0)
        .max(65_535)
        .optional()
        .describe(
          'Port on which the daemon answers: / (the status page), /healthz (it is alive), /readyz (the mirror is being kept up to date), /status (as status --json). Variable MIRRORVERSE_HEALTH_PORT.',
        ),
      host: z
        .string()
        .regex(/^[\w.:%-]+$/, 'must be a name or an address of this machine, without a port')
        .optional()
        .describe(
          'Address on which the daemon answers: 127.0.0.1 by default, which only this machine reaches; 0.0.0.0 or :: for all. Variable MIRRORVERSE_HEALTH_HOST.',
        ),
    })
    .optional(),
  tables: z
    .array(
      z.union([name, tableSettings], { error: 'must be the name of a table, or a mapping with its name' }),
    )
    .optional()
    .describe(
      'Tables to mirror: logical names, patterns with * and ?, and !pattern to leave out. Variable MIRRORVERSE_TABLES, separated by commas.',
    ),
});

export type Settings = z.infer<typeof settingsSchema>;

/** The variables, each with its key of the file. A variable wins over the file. */
export const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  DATAVERSE_URL: ['dataverse', 'url'],
  MIRRORVERSE_AUTH: ['dataverse', 'auth'],
  DATABASE_URL: ['postgres', 'url'],
  MIRRORVERSE_POSTGRES_AUTH: ['postgres', 'auth'],
  MIRRORVERSE_SCHEMA: ['postgres', 'schema'],
  MIRRORVERSE_STATE_SCHEMA: ['postgres', 'stateSchema'],
  MIRRORVERSE_SCHEDULE: ['schedule'],
  MIRRORVERSE_DELETES: ['deletes'],
  MIRRORVERSE_LEASE: ['lease'],
  MIRRORVERSE_REQUESTS_PER_5_MINUTES: ['limits', 'requestsPer5Minutes'],
  MIRRORVERSE_CONCURRENCY: ['limits', 'concurrency'],
  MIRRORVERSE_PAGE_SIZE: ['limits', 'pageSize'],
  MIRRORVERSE_PAGE_BYTES: ['limits', 'pageBytes'],
  MIRRORVERSE_MEMORY: ['limits', 'memory'],
  MIRRORVERSE_TABLES_AT_ONCE: ['limits', 'tables'],
  MIRRORVERSE_REQUEST_TIMEOUT: ['limits', 'requestTimeout'],
  MIRRORVERSE_SWEEP_MAX_SHARE: ['sweep', 'maxShare'],
  MIRRORVERSE_HEALTH_PORT: ['health', 'port'],
  MIRRORVERSE_HEALTH_HOST: ['health', 'host'],
  ...NUDGE_VARIABLES,
  MIRRORVERSE_TABLES: ['tables'],
};
