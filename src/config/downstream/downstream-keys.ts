import { z } from 'zod';

/** A duration that may be given in days. @param like an example for the message. */
export const longDuration = (like: string): z.ZodString =>
  z
    .string({ error: `must be a duration like ${like}` })
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, `must be a duration like ${like}`);

const feedKeys = z.strictObject({
  keep: longDuration('7d')
    .optional()
    .describe(
      'How long changes are kept, by whole days: 7d by default. The longest one counts for all tables.',
    ),
  baseline: z
    .enum(['marker', 'rows'])
    .optional()
    .describe('marker (by default): one row stands for the rows of a load. rows: each of them is a change.'),
});

/** The change log of all tables, or of one. */
export const feed = z
  .union([z.boolean(), feedKeys], { error: 'must be true, false, or a mapping with keep and baseline' })
  .describe('true: each change of the mirror tables goes to the table `changes` of the state schema.');

/** The history of all tables, or of one. */
export const history = z
  .union(
    [
      z.boolean(),
      z.strictObject({
        keep: longDuration('365d')
          .optional()
          .describe('How long a record is kept after it has ended: for ever by default.'),
      }),
    ],
    { error: 'must be true, false, or a mapping with keep' },
  )
  .describe(
    'true: what each row was is kept in a table beside the mirror table, in the schema `<postgres.schema>_history`.',
  );

/** A share of the API's limits. */
export const share = z
  .string({ error: 'must be a share like 5%' })
  .regex(/^\d+(\.\d+)?%$/, 'must be a share like 5%');

/** Details of the rows of the mirrored table audit. */
export const audit = z
  .strictObject({
    details: z
      .array(z.string().regex(/^[a-z_]\w*$/, 'must be the logical name of a table'))
      .min(1)
      .describe('Logical names of the tables whose audit rows have their details read, one request a row.'),
    share: share.optional().describe("Share of the API's limits that details may take: 5% by default."),
  })
  .describe('Details of the rows of the mirrored table audit: what was changed from what to what.');

/** Where the bodies of files and images go. */
export const files = z
  .strictObject({
    to: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A folder, or a bucket of S3 or of a server that speaks its language: s3://name/prefix. The credentials of a bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      ),
    share: share
      .optional()
      .describe("Share of the API's limits that the daemon may take to fetch bodies: 5% by default."),
    deletes: z
      .enum(['delete', 'keep'])
      .optional()
      .describe(
        'delete (by default): a body goes with its row, or when another takes its place. keep: it stays.',
      ),
  })
  .describe('Where the bodies of files and images go, for the tables that have `files`.');

/** The bodies of one table. */
export const bodies = z
  .union([z.boolean(), z.array(z.string().min(1)).min(1)], {
    error: 'must be true, false, or a list of columns',
  })
  .describe(
    'true: the bodies of all File and Image columns are fetched. Or a list of columns, by names and patterns.',
  );
