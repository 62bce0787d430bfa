import { z } from 'zod';
import { longDuration } from './downstream-keys.ts';

const name = z.string().min(1);

/** An address to which changes are posted. */
export const webhook = z.strictObject({
  url: name.describe('Where the changes are posted: an https: address. It may have a secret in it.'),
  name: z
    .string()
    .regex(/^[\w.-]{1,63}$/, 'must be at most 63 letters, digits, points, hyphens and underscores')
    .optional()
    .describe(
      'Names the webhook in logs, metrics and state. Without a name, it is made of the host and a hash of the address.',
    ),
  tables: z
    .array(name)
    .min(1)
    .optional()
    .describe('Logical names of the tables, each with feed: true; by default all that have a change log.'),
  secret: name
    .optional()
    .describe(
      'Signs what is posted: whsec_ and 24 to 64 bytes in base64, best as ${VAR}. Variable MIRRORVERSE_WEBHOOK_SECRET for all webhooks without one. Two secrets with a space between them sign both.',
    ),
  allowPrivate: z
    .boolean()
    .optional()
    .describe('true: the host may have a private address, or be this machine, then also by http:.'),
  keep: longDuration('30d').optional().describe('How long dead letters are kept: 30d by default.'),
});
