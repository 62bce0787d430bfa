import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readEnvironment, readOrganization } from '../../dataverse/metadata/environment.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { RegisteredEnvironment } from '../../mirror/state/environments.ts';
import { Failure } from '../../model/failure.ts';

/**
 * Reads which organization answers at the environment's address, and records it in the mirror. If another
 * organization has taken the place of the mirrored one, every table is re-baselined from then on.
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
  const { metadataVersion, ...organization } = await readOrganization(client, signal);
  const registered = await mirror.recordEnvironment({ ...environment, ...organization });
  if (metadataVersion !== undefined) dataverse.metadata.observe(metadataVersion);
  tellReplaced(registered, logger);
  return registered;
}

/** Logs once that an organization took the place of another one. */
export function tellReplaced({ url, organizationId, replaced }: RegisteredEnvironment, logger: Logger): void {
  if (replaced === undefined) return;
  logger.warn(
    { code: 'environment-rewound', organizationId, before: replaced },
    `Another organization than before answers at ${url}: the environment was reset, or another one was copied over it. Every table is re-baselined.`,
  );
}

/**
 * Reads metadata and organization again after the environment went back in time, because its metadata went back
 * too, and because another organization may answer now.
 *
 * @throws Failure `environment-rewound` if another organization answers: all tables were set back, this one too.
 */
export async function lookAfterRewind(
  dataverse: Dataverse,
  mirror: Mirror,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  await dataverse.metadata.restart();
  const { replaced } = await lookAtEnvironment(dataverse, mirror, logger, signal);
  if (replaced === undefined) return;
  throw new Failure({
    code: 'environment-rewound',
    reaction: 'retry',
    message: 'Another organization has taken the place of the one that is mirrored.',
  });
}
