import { z } from 'zod';
import type { DataverseClient } from '../../dataverse/http/client.ts';

/** The service that knows the environments of a person, in the public cloud ("Global Discovery Service"). */
export const DISCOVERY = 'https://globaldisco.crm.dynamics.com';

/** An environment that the signed-in person may open. */
export interface FoundEnvironment {
  readonly url: string;
  readonly name: string;
}

const instances = z.object({
  value: z.array(z.object({ Url: z.string(), FriendlyName: z.string().nullish() })),
});

/**
 * Finds the environments of the signed-in person, by name. The service answers persons, not app registrations.
 *
 * @param client a client of `DISCOVERY`.
 * @throws Failure; ZodError if the service answers something else.
 */
export async function discoverEnvironments(
  client: DataverseClient,
  signal: AbortSignal,
): Promise<FoundEnvironment[]> {
  const url = '/api/discovery/v2.0/Instances?$select=Url,FriendlyName';
  const answer = await client.getJson({ url, priority: 'metadata', optional: true }, signal);
  return instances
    .parse(answer)
    .value.flatMap(({ Url, FriendlyName }) =>
      URL.canParse(Url) ? [{ url: new URL(Url).origin, name: FriendlyName ?? Url }] : [],
    )
    .toSorted((a, b) => a.name.localeCompare(b.name));
}
