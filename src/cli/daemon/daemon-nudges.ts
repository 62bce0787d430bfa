import { NUDGE_SECRET } from '../../config/nudge/nudge-settings.ts';
import { currentSecret } from '../../config/secrets.ts';
import { followNudgeQueue, type QueueClient } from '../../operations/nudges/nudge-queue.ts';
import { runNudgeServer } from '../../operations/nudges/nudge-server.ts';
import { isOwnOrganization } from '../../operations/nudges/organization-name.ts';
import { openQueueClient } from '../../operations/nudges/queue-client.ts';
import { NudgeInbox } from '../../sync/nudges/nudge-inbox.ts';
import type { Service } from '../../timing/services.ts';
import { UsageError } from '../command.ts';
import type { CommandSession } from '../command-session.ts';

/** How nudges reach the daemon. */
export interface DaemonNudges {
  readonly inbox: NudgeInbox;
  /** The environment is open, and this is its id. */
  readonly opened: (organizationId: string) => void;
  /** Takes nudges until aborted, if the configuration asks for that. @throws Failure `port-taken`. @throws UsageError */
  readonly run: Service;
}

/** The session needs no open environment: a nudge that comes before is dropped. */
export function createDaemonNudges(session: CommandSession): DaemonNudges {
  const { config, logger } = session.context;
  const { host, port, url, queue } = config.nudge;
  const inbox = new NudgeInbox();
  let organizationId: string | undefined;
  return {
    inbox,
    opened(id) {
      organizationId = id;
    },
    async run(stop) {
      const environment = config.dataverse?.url;
      if (environment === undefined) return;
      const common = {
        isOwn: (organization: string) => isOwnOrganization(organization, environment, organizationId),
        receive: (table: string) => inbox.receive(table),
        logger,
      };
      const work: Promise<void>[] = [];
      if (queue !== undefined) {
        const client = await queueClient(queue.connection);
        work.push(followNudgeQueue({ ...common, client, queue: queue.name }, stop));
      }
      if (port !== undefined) {
        const secret = (): string | undefined =>
          currentSecret(NUDGE_SECRET, session.context.config.nudge.secret);
        work.push(runNudgeServer({ ...common, address: { host, port }, url, secret }, stop));
      }
      await Promise.all(work);
    },
  };
}

/** @throws UsageError whose text has nothing of the connection string. */
async function queueClient(connection: string): Promise<QueueClient> {
  let client: QueueClient | undefined;
  try {
    client = await openQueueClient(connection);
  } catch {
    throw new UsageError(
      'MIRRORVERSE_NUDGE_QUEUE_CONNECTION is no connection string of Azure Service Bus. It begins with Endpoint=sb://.',
    );
  }
  if (client !== undefined) return client;
  throw new UsageError(
    'nudge.queue needs the package @azure/service-bus, which is not installed. Install it beside mirrorverse: `npm install --global @azure/service-bus`, or in your project without --global.',
  );
}
