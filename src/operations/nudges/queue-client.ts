import { errorCode } from '../../model/error-description.ts';
import type { QueueClient } from './nudge-queue.ts';

/** An optional peer dependency: few need it, and it is large. */
const LIBRARY = '@azure/service-bus';

interface Library {
  readonly ServiceBusClient: new (connection: string) => QueueClient;
}

/**
 * Opens a client of Azure Service Bus. It connects later, by itself.
 *
 * @param connection the connection string of the queue or of its namespace.
 * @returns undefined if the library is not installed.
 * @throws what the library throws for a connection string that makes no sense; it may quote the string.
 */
export async function openQueueClient(connection: string): Promise<QueueClient | undefined> {
  try {
    const { ServiceBusClient } = (await import(LIBRARY)) as Library;
    return new ServiceBusClient(connection);
  } catch (error) {
    if (errorCode(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
