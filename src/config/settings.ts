import { createTask, validate } from 'node-cron';
import { z } from 'zod';

const schedule = z
  .string()
  .refine((value) => value === 'adaptive' || isCron(value), {
    error: 'is no cron expression of 5 fields, or 6 with seconds, nor the word adaptive',
  })
  .refine((value) => !isCron(value) || everTicks(value), {
    error: 'is a cron expression for a moment that never comes',
  });

function isCron(text: string): boolean {
  return [5, 6].includes(text.trim().split(/\s+/).length) && validate(text);
}

/** The library takes `0 0 31W 2 *` for valid, and throws when it is asked for the next tick. */
function everTicks(cron: string): boolean {
  const task = createTask(cron, () => undefined);
  try {
    return task.getNextRuns(1).length === 1;
  } catch {
    return false;
  } finally {
    // Else the library keeps it as long as the process lives.
    void task.destroy();
  }
}

const SCHEDULES =
  'Cron expression: 5 fields, or 6 with seconds first. Or adaptive: 10 seconds after a poll that brought changes, and after each one that did not half as long again, up to an hour.';

const deletes = z
  .enum(['hard', 'soft'])
  .describe('hard: deleted rows leave the mirror. soft: they stay, marked by _deleted_at.');

const name = z.string().min(1);

const patterns = z.array(name);

const byteSize = z
  .string({ error: 'is no size like 64MiB' })
  .regex(/^\d+(\.\d+)?(KiB|MiB|GiB)$/, 'is no size like 64MiB');

const duration = (like: string): z.ZodString =>
  z
    .string({ error: `is no duration like ${like}` })
    .regex(/^\d+(\.\d+)?(ms|s|m)$/, `is no duration like ${like}`);

const policy = z.enum(['apply', 'ask', 'refuse']);

const schemaName = z
  .string()
  .min(1)
  .refine((value) => Buffer.byteLength(value) <= 63 && !value.includes('\0'), {
    error: 'is no name PostgreSQL can hold (63 bytes at most)',
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
          'Attributes to mirror, by logical name or pattern; * by default. A name brings in what is left out by default: images, file bodies.',
        ),
      exclude: patterns.optional().describe('Attributes not to mirror, by logical name or pattern.'),
      hash: patterns
        .optional()
        .describe('Attributes mirrored as a keyed hash; the key is MIRRORVERSE_HASH_KEY.'),
    })
    .optional(),
  deletes: deletes.optional(),
});

/** The configuration file, as it is written; a JSON Schema of it is published for editors. */
export const settingsSchema = z.strictObject({
  dataverse: z
    .strictObject({
      url: z
        .string()
        .optional()
        .describe('Address of the environment, https://contoso.crm.dynamics.com. Variable DATAVERSE_URL.'),
      auth: z
        .enum([
          'default',
          'client-secret',
          'client-certificate',
          'workload-identity',
          'managed-identity',
          'azure-cli',
          'access-token',
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
  lease: duration('30s')
    .optional()
    .describe('How long a killed process keeps the right to write a table: 30s by default.'),
  limits: z
    .strictObject({
      requestsPer5Minutes: z.int().min(1).max(1_000_000).optional(),
      concurrency: z.int().min(1).max(1_000).optional().describe('Requests in flight.'),
      pageSize: z.int().min(1).max(5_000).optional().describe('Rows a page at most.'),
      pageBytes: byteSize
        .optional()
        .describe('A page of wide rows has fewer of them, so that it is about this large: 64MiB by default.'),
      memory: byteSize
        .optional()
        .describe('Pages that are read or wait to be written, over all tables: 256MiB by default.'),
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
            .union([z.literal(false), schemaName], { error: 'is neither the name of a schema nor false' })
            .optional()
            .describe(
              'Schema of the views with labels and names, dataverse_labeled by default; false for none.',
            ),
        }),
      ],
      { error: 'is neither false nor a mapping with language and schema; leave it out to have labels' },
    )
    .optional()
    .describe('Labels of choices, tables and columns; false for none.'),
  compatibility: z
    .strictObject({
      synapseLink: schemaName
        .optional()
        .describe('Schema for OptionsetMetadata and its five sisters, as Synapse Link has them.'),
      fivetran: schemaName.optional().describe('Schema for stringmap, as Fivetran has it.'),
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
    .describe('What happens by itself when the source changes: apply (by default), ask, or refuse.'),
  quarantine: z
    .strictObject({
      nul: z
        .enum(['quarantine', 'replace'])
        .optional()
        .describe('Text with a NUL character: into quarantine (by default), or U+FFFD in its place.'),
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
          'Share of the rows that the end of a re-baseline may delete before somebody is asked: 0.2 by default, 1 never asks. Variable MIRRORVERSE_SWEEP_MAX_SHARE.',
        ),
      atLeast: z
        .int()
        .min(0)
        .optional()
        .describe('So many rows may always be deleted, unless that leaves next to none: 1000 by default.'),
    })
    .optional(),
  health: z
    .strictObject({
      port: z
        .int()
        .min(0)
        .max(65_535)
        .optional()
        .describe(
          'Port on which the daemon answers: /healthz (it is alive), /readyz (the mirror is being kept up to date), /status (as status --json). Variable MIRRORVERSE_HEALTH_PORT.',
        ),
    })
    .optional(),
  tables: z
    .array(
      z.union([name, tableSettings], { error: 'is neither the name of a table nor a mapping with its name' }),
    )
    .optional()
    .describe(
      'Tables to mirror: logical names, patterns with * and ?, and !pattern to leave out. Variable MIRRORVERSE_TABLES, separated by commas.',
    ),
});

export type Settings = z.infer<typeof settingsSchema>;

/** The variables that set a key of the file, and win over it. */
export const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  DATAVERSE_URL: ['dataverse', 'url'],
  MIRRORVERSE_AUTH: ['dataverse', 'auth'],
  DATABASE_URL: ['postgres', 'url'],
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
  MIRRORVERSE_TABLES: ['tables'],
};
