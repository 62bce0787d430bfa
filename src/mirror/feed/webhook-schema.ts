import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore } from '../drizzle.ts';

const { bigint, boolean, index, integer, jsonb, primaryKey, text } = pgCore;

/** The tables of webhooks. @param table as for the other tables of the state. */
export function defineWebhooks<S extends string | undefined>(table: PgTableFn<S>) {
  /** Where the delivery of changes to a webhook stands. */
  const webhooks = table(
    'webhooks',
    {
      environmentId: integer('environment_id').notNull(),
      endpoint: text('endpoint').notNull(),
      /** The process that delivers, and until when it may. */
      holder: text('holder'),
      leaseExpiresAt: moment('lease_expires_at'),
      /** The receiver has to take its tables as they are before it gets changes. */
      reload: boolean('reload').notNull().default(true),
      /** The batch under way: its id, the last position that it covers, and its tries. Null between two batches. */
      batchId: text('batch_id'),
      batchThrough: bigint('batch_through', { mode: 'bigint' }),
      batchBegunAt: moment('batch_begun_at'),
      attempts: integer('attempts').notNull().default(0),
      nextAttemptAt: moment('next_attempt_at'),
      /** Why the last try failed; null after a success. */
      reason: text('reason'),
      lastSuccessAt: moment('last_success_at'),
      /** When the receiver said that it is gone; null while changes are delivered. */
      stoppedAt: moment('stopped_at'),
    },
    (t) => [primaryKey({ name: 'webhooks_pkey', columns: [t.environmentId, t.endpoint] })],
  );

  /** Batches that a webhook did not take in time. */
  const deadLetters = table(
    'dead_letters',
    {
      id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
      environmentId: integer('environment_id').notNull(),
      endpoint: text('endpoint').notNull(),
      webhookId: text('webhook_id').notNull(),
      /** The changes as the webhook gets them. */
      changes: jsonb('changes').notNull(),
      reason: text('reason').notNull(),
      attempts: integer('attempts').notNull(),
      begunAt: moment('begun_at').notNull(),
      failedAt: moment('failed_at').notNull(),
      /** When somebody asked to send the batch once more; null where nobody did. */
      retryAskedAt: moment('retry_asked_at'),
    },
    (t) => [index('dead_letters_endpoint').on(t.environmentId, t.endpoint)],
  );

  return { webhooks, deadLetters };
}
