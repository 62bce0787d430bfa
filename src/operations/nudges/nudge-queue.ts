import type { Logger } from 'pino';
import { LogThrottle } from '../../log/log-throttle.ts';
import { errorCode } from '../../model/error-description.ts';
import { untilAborted } from '../../timing/sleep.ts';

/**
 * Properties of the messages that Dataverse puts into a queue of Azure Service Bus. They are there in every message
 * format, so the body is not looked at. Source: Microsoft, "Azure integration" and "Topic filters".
 */
const TABLE = 'http://schemas.microsoft.com/xrm/2011/Claims/EntityLogicalName';
const ORGANIZATION = 'http://schemas.microsoft.com/xrm/2011/Claims/Organization';

/** The parts of a message of `@azure/service-bus` that count. */
export interface QueueMessage {
  readonly applicationProperties?: Readonly<Record<string, unknown>>;
}

/** The parts of a receiver of `@azure/service-bus` 7 that are used. */
export interface QueueReceiver {
  subscribe(
    handlers: {
      readonly processMessage: (message: QueueMessage) => Promise<void>;
      readonly processError: (trouble: { readonly error: unknown }) => Promise<void>;
    },
    options: { readonly autoCompleteMessages: boolean; readonly maxConcurrentCalls: number },
  ): { close(): Promise<void> };
  completeMessage(message: QueueMessage): Promise<void>;
  close(): Promise<void>;
}

/** The parts of a client of `@azure/service-bus` 7 that are used. */
export interface QueueClient {
  createReceiver(queue: string): QueueReceiver;
  close(): Promise<void>;
}

export interface NudgeQueueOptions {
  readonly client: QueueClient;
  /** The name of the queue. */
  readonly queue: string;
  /** Whether the name of an organization is that of the environment that is mirrored. */
  readonly isOwn: (organization: string) => boolean;
  readonly receive: (table: string) => void;
  readonly logger: Logger;
}

/** Messages that are taken at once. */
const AT_ONCE = 16;

/**
 * Takes nudges from a queue until aborted, for a daemon that the environment cannot reach. Each message is completed after
 * it was taken, whatever is in it: a message that stays would come again and again.
 *
 * The library connects again by itself. A queue that cannot be reached costs nudges and nothing else.
 */
export async function followNudgeQueue(options: NudgeQueueOptions, signal: AbortSignal): Promise<void> {
  const { client, queue, logger } = options;
  const troubles = new LogThrottle(logger);
  const receiver = client.createReceiver(queue);
  const subscription = receiver.subscribe(
    {
      async processMessage(message) {
        takeMessage(message, options);
        await receiver.completeMessage(message).catch((error: unknown) => {
          // The queue gives the message out again, and it is taken once more.
          logger.debug(
            { code: errorCode(error) },
            'A message of the queue for nudges could not be completed.',
          );
        });
      },
      async processError({ error }) {
        // The text of the error may have the address of the queue in it.
        const code = errorCode(error) ?? 'unknown';
        troubles.tell(code, { code }, 'The queue for nudges gives no messages. Tables keep their schedules.');
        return Promise.resolve();
      },
    },
    { autoCompleteMessages: false, maxConcurrentCalls: AT_ONCE },
  );
  logger.info({ queue }, 'Taking nudges from a queue.');
  await untilAborted(signal);
  await subscription.close();
  await receiver.close();
  await client.close();
}

function takeMessage({ applicationProperties = {} }: QueueMessage, options: NudgeQueueOptions): void {
  const { [TABLE]: table, [ORGANIZATION]: organization } = applicationProperties;
  if (typeof table !== 'string' || typeof organization !== 'string') return;
  if (options.isOwn(organization)) options.receive(table.trim().toLowerCase());
}
