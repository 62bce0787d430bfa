import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import type { DataverseClient } from '../http/client.ts';

/** The Dataverse organization that the identity is signed in to. */
export interface Environment {
  readonly url: string;
  readonly organizationId: string;
}

/** Reads the identity of the environment. This is also the cheapest proof that address and sign-in are right. */
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
    cause: parsed.error,
  });
}

/** Facts from the organization's row. A member is absent if the identity may not read it. */
export interface OrganizationFacts {
  /** Days for which a delta link stays valid: `expirechangetrackingindays`. */
  readonly linkLifeDays?: number;
  /** The base language, such as 1033. */
  readonly language?: number;
  readonly metadataVersion?: string;
}

const organizationAnswer = z.object({
  '@Microsoft.Dynamics.CRM.globalmetadataversion': z.string().optional().catch(undefined),
  value: z.array(
    z.object({
      expirechangetrackingindays: z.number().nullish(),
      languagecode: z.number().nullish(),
    }),
  ),
});

/** Reads the organization's row and the metadata version in one request. @throws Failure `retry` */
export async function readOrganization(
  client: DataverseClient,
  signal: AbortSignal,
): Promise<OrganizationFacts> {
  try {
    const url = 'organizations?$select=expirechangetrackingindays,languagecode';
    const prefer = ['odata.include-annotations="Microsoft.Dynamics.CRM.globalmetadataversion"'];
    const answer = await client.getJson({ url, priority: 'metadata', prefer }, signal);
    const { data } = organizationAnswer.safeParse(answer);
    const row = data?.value[0];
    const metadataVersion = data?.['@Microsoft.Dynamics.CRM.globalmetadataversion'];
    return {
      ...(typeof row?.expirechangetrackingindays === 'number'
        ? { linkLifeDays: row.expirechangetrackingindays }
        : {}),
      ...(typeof row?.languagecode === 'number' ? { language: row.languagecode } : {}),
      ...(metadataVersion === undefined ? {} : { metadataVersion }),
    };
  } catch (error) {
    if (error instanceof Failure && error.reaction !== 'retry') return {};
    throw error;
  }
}
