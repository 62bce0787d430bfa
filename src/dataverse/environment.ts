import { z } from 'zod';
import { Failure } from '../model/failure.ts';
import type { DataverseClient } from './client.ts';

/** One Dataverse organization, as the signed-in identity sees it. */
export interface Environment {
  readonly url: string;
  readonly organizationId: string;
}

/** Asks the environment who it is. Also the cheapest proof that address and sign-in are right. */
export async function readEnvironment(client: DataverseClient, signal: AbortSignal): Promise<Environment> {
  const answer = await client.getJson({ url: 'WhoAmI', priority: 'metadata' }, signal);
  const parsed = z.object({ OrganizationId: z.guid() }).safeParse(answer);
  if (parsed.success) {
    return { url: client.origin, organizationId: parsed.data.OrganizationId.toLowerCase() };
  }
  throw new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `${client.origin} answers, but not as a Dataverse environment.`,
    remedy: 'Check dataverse.url (DATAVERSE_URL).',
    cause: parsed.error,
  });
}

/**
 * Days a delta link stays good after it was issued: the organization's `expirechangetrackingindays`.
 * Undefined where the identity may not read it.
 */
export async function readLinkLifeDays(
  client: DataverseClient,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const url = 'organizations?$select=expirechangetrackingindays';
    const answer = await client.getJson({ url, priority: 'metadata' }, signal);
    const row = z.object({ expirechangetrackingindays: z.number().nullish() });
    const parsed = z.object({ value: z.array(row) }).safeParse(answer);
    return parsed.data?.value[0]?.expirechangetrackingindays ?? undefined;
  } catch (error) {
    if (error instanceof Failure && error.reaction !== 'retry') return undefined;
    throw error;
  }
}
