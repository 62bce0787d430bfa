import { z } from 'zod';

/** How changes are made known at once. */
export const nudge = z
  .strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        'Port on which the daemon takes nudges: webhooks of the environment that tell of a change. The secret is MIRRORVERSE_NUDGE_SECRET. Variable MIRRORVERSE_NUDGE_PORT.',
      ),
    host: z
      .string()
      .regex(/^[\w.:%-]+$/, 'must be a name or an address of this machine, without a port')
      .optional()
      .describe(
        'Address on which the daemon takes nudges: 127.0.0.1 by default, for a proxy on this machine; 0.0.0.0 or :: for all. Variable MIRRORVERSE_NUDGE_HOST.',
      ),
    url: z
      .string()
      .optional()
      .describe(
        'Public address of that port, as `nudge register` tells it to the environment: https: with any path. Variable MIRRORVERSE_NUDGE_URL.',
      ),
    queue: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Queue of Azure Service Bus that brings nudges, for a daemon that the environment cannot reach. MIRRORVERSE_NUDGE_QUEUE_CONNECTION is its connection string.',
      ),
    name: z
      .string()
      .regex(/^[\w.-]{1,63}$/, 'must be at most 63 letters, digits, points, hyphens and underscores')
      .optional()
      .describe(
        'Names what `nudge register` makes in the environment; postgres.schema by default. Two mirrors of one environment need two names.',
      ),
  })
  .optional()
  .describe('Changes are made known at once, by webhooks of the environment.');

/** The variables of these keys. */
export const NUDGE_VARIABLES = {
  MIRRORVERSE_NUDGE_PORT: ['nudge', 'port'],
  MIRRORVERSE_NUDGE_HOST: ['nudge', 'host'],
  MIRRORVERSE_NUDGE_URL: ['nudge', 'url'],
} as const;
