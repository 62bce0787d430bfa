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
