import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import type { DataverseClient } from '../http/client.ts';

/** The Dataverse organization that the identity is signed in to. */
export interface Environment {
  readonly url: string;
  readonly organizationId: string;
  /** The identity; undefined if the answer does not tell. */
  readonly userId?: string;
}

const whoAmIAnswer = z.object({ OrganizationId: z.guid(), UserId: z.guid().optional().catch(undefined) });

/** Reads the identity of the environment. This is also the cheapest proof that address and sign-in are right. */
export async function readEnvironment(client: DataverseClient, signal: AbortSignal): Promise<Environment> {
  const answer = await client
    .getJson({ url: 'WhoAmI', priority: 'metadata' }, signal)
    .catch((error: unknown) => {
      throw ofVersion(client, error);
    });
  const parsed = whoAmIAnswer.safeParse(answer);
  if (parsed.success) {
    const { OrganizationId: organizationId, UserId: userId } = parsed.data;
    return {
      url: client.origin,
      organizationId: organizationId.toLowerCase(),
      ...(userId === undefined ? {} : { userId: userId.toLowerCase() }),
    };
  }
  throw new Failure({
    code: 'unexpected-answer',
    reaction: 'stop-table',
    message: `${client.origin} answers, but not as a Dataverse environment.`,
    cause: parsed.error,
  });
}

/** An environment on premises does not have every version of the Web API, and answers 404 or 501 for the others. */
function ofVersion({ root }: DataverseClient, error: unknown): unknown {
  if (!(error instanceof Failure) || ![404, 501].includes(Number(error.details['status']))) return error;
  const remedy = `Check dataverse.url (DATAVERSE_URL). An environment on premises needs the path of its organization there, and \`dataverse.apiVersion: v9.1\`.`;
  return error.saying(`There is no Web API at ${root}. ${error.message}`, remedy);
}

/** Facts from the organization's row. A member is absent if the identity may not read it. */
export interface OrganizationFacts {
  /** Days for which a delta link stays valid: `expirechangetrackingindays`. */
  readonly linkLifeDays?: number;
  /** The base language, such as 1033. */
  readonly language?: number;
  readonly metadataVersion?: string;
}

/** The preference that asks an answer for the environment's metadata version. */
export const VERSION_ASKED = 'odata.include-annotations="Microsoft.Dynamics.CRM.globalmetadataversion"';

const withVersion = z.object({ '@Microsoft.Dynamics.CRM.globalmetadataversion': z.string() });

/** The metadata version beside an answer; undefined if the answer has none. */
export function metadataVersionIn(answer: unknown): string | undefined {
  return withVersion.safeParse(answer).data?.['@Microsoft.Dynamics.CRM.globalmetadataversion'];
}

const organizationAnswer = z.object({
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
    const prefer = [VERSION_ASKED];
    const answer = await client.getJson({ url, priority: 'metadata', prefer }, signal);
    const { data } = organizationAnswer.safeParse(answer);
    const row = data?.value[0];
    const metadataVersion = metadataVersionIn(answer);
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
