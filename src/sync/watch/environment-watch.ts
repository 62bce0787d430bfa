import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readEnvironment, readOrganization } from '../../dataverse/metadata/environment.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { RegisteredEnvironment } from '../../mirror/environment/environments.ts';
import { Failure } from '../../model/failure.ts';

/**
 * Looks who is at the environment's address, and records it, in the mirror too. Where another organization has taken the
 * place of the one that is mirrored, every table of it is to be re-baselined from then on.
 *
 * @throws Failure
 */
export async function lookAtEnvironment(
  dataverse: Dataverse,
  mirror: Mirror,
  logger: Logger,
  signal: AbortSignal,
): Promise<RegisteredEnvironment> {
  const { client } = dataverse;
  const environment = await readEnvironment(client, signal);
  const { metadataVersion: _, ...organization } = await readOrganization(client, signal);
  const registered = await mirror.recordEnvironment({ ...environment, ...organization });
  tellReplaced(registered, logger);
  return registered;
}

/** Tells, once, of an organization that took another's place. */
export function tellReplaced({ url, organizationId, replaced }: RegisteredEnvironment, logger: Logger): void {
  if (replaced === undefined) return;
  logger.warn(
    { code: 'environment-rewound', organizationId, before: replaced },
    `${url} is another organization than before: it was reset, or another was copied over it. Every table is re-baselined.`,
  );
}

/**
 * Looks around where the environment was found to have gone back in time: its metadata with it, and
 * perhaps it is another organization.
 *
 * @throws Failure `environment-rewound` when it is: the table was set back with all others.
 */
export async function lookAfterRewind(
  dataverse: Dataverse,
  mirror: Mirror,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  dataverse.metadata.restart();
  const { replaced } = await lookAtEnvironment(dataverse, mirror, logger, signal);
  if (replaced !== undefined) throw environmentReplaced();
}

/** Ends a run whose table was set back along with all others of the environment. */
function environmentReplaced(): Failure {
  return new Failure({
    code: 'environment-rewound',
    reaction: 'retry',
    message: 'Another organization has taken the place of the one that is mirrored.',
  });
}
