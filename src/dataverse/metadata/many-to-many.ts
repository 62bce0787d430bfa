import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import type { DataverseClient } from '../http/client.ts';

/** The tables that each intersect table joins, by the logical name of the intersect table. */
export type Intersections = ReadonlyMap<string, ReadonlySet<string>>;

const RELATIONSHIPS =
  'RelationshipDefinitions/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata' +
  '?$select=IntersectEntityName,Entity1LogicalName,Entity2LogicalName';

const relationship = z.object({
  IntersectEntityName: z.string(),
  Entity1LogicalName: z.string(),
  Entity2LogicalName: z.string(),
});

/** An odd relationship is left out, as if the environment did not list it. */
const answer = z.object({
  value: z.array(z.unknown()).transform((values) =>
    values.flatMap((value) => {
      const parsed = relationship.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    }),
  ),
});

/**
 * Reads which tables the N:N relationships join. One intersect table may serve several relationships, as
 * `campaignitem` does, and then has all their tables.
 *
 * @returns undefined if the environment refuses the request.
 * @throws Failure `retry`
 */
export async function readIntersections(
  client: DataverseClient,
  signal: AbortSignal,
): Promise<Intersections | undefined> {
  let read: unknown;
  try {
    read = await client.getJson({ url: RELATIONSHIPS, priority: 'metadata' }, signal);
  } catch (error) {
    if (error instanceof Failure && error.reaction !== 'retry') return undefined;
    throw error;
  }
  const parsed = answer.safeParse(read);
  if (!parsed.success) return undefined;
  const joined = new Map<string, Set<string>>();
  for (const { IntersectEntityName, Entity1LogicalName, Entity2LogicalName } of parsed.data.value) {
    const sides = joined.get(IntersectEntityName) ?? new Set();
    joined.set(IntersectEntityName, sides.add(Entity1LogicalName).add(Entity2LogicalName));
  }
  return joined;
}
