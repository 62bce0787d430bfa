import { z } from 'zod';
import { Failure } from '../../../model/failure.ts';
import type { DataverseClient } from '../../http/client.ts';
import type { MetadataChanges } from './metadata-memory.ts';

/*
 * The function RetrieveMetadataChanges, as Microsoft describes it in "Query schema definitions" and "Cache schema
 * data". With a stamp it returns what has changed since: a table is returned if it or one of its parts has changed.
 * Parts that are gone come by their ids alone.
 */

/** Members of tables. All would include the privileges, and tables with privileges are returned always. */
const TABLE_MEMBERS = [
  'LogicalName',
  'EntitySetName',
  'PrimaryIdAttribute',
  'PrimaryNameAttribute',
  'ChangeTrackingEnabled',
  'CanChangeTrackingBeEnabled',
  'IsIntersect',
  'DisplayName',
  'DisplayCollectionName',
  'Description',
  'Attributes',
  'ManyToManyRelationships',
];

/** All tables with all members of their columns, so that no change is missed. */
const EVERYTHING = {
  Properties: { AllProperties: false, PropertyNames: TABLE_MEMBERS },
  AttributeQuery: { Properties: { AllProperties: true } },
  RelationshipQuery: { Properties: { AllProperties: true } },
};

/** One table with its name only. The answer's stamp does not depend on the query. */
const NEXT_TO_NOTHING = {
  Properties: { AllProperties: false, PropertyNames: ['LogicalName'] },
  Criteria: {
    FilterOperator: 'And',
    Conditions: [
      {
        ConditionOperator: 'Equals',
        PropertyName: 'LogicalName',
        Value: { Type: 'System.String', Value: 'organization' },
      },
    ],
  },
};

const answer = z.object({
  ServerVersionStamp: z.string().min(1),
  EntityMetadata: z.array(z.object({ LogicalName: z.string().min(1) })).nullish(),
  /** The values of a dictionary: a list of ids for each kind of part. */
  DeletedMetadata: z
    .object({
      Count: z.number().nullish(),
      Keys: z.array(z.union([z.string(), z.number()])).nullish(),
      Values: z
        .array(
          z.union([z.array(z.guid()), z.object({ Items: z.array(z.guid()) }).transform((it) => it.Items)]),
        )
        .nullish(),
    })
    .nullish(),
});

/** Kinds of deleted parts that leave labels of an unnamed table behind. By name, or by number of the enumeration. */
const WITHOUT_LABELS: ReadonlySet<string | number> = new Set([
  'Entity',
  'Attribute',
  'Relationship',
  1,
  2,
  4,
]);

/**
 * Asks what has changed since a stamp.
 *
 * @returns undefined if the environment cannot tell: it does not offer the function, the stamp has expired
 *   (0x80044352), or the environment went back to a time before the stamp.
 * @throws the signal's reason if aborted.
 */
export async function readMetadataChanges(
  client: DataverseClient,
  stamp: string,
  signal: AbortSignal,
): Promise<MetadataChanges | undefined> {
  const parameters = `Query=@p1,ClientVersionStamp=@p2,DeletedMetadataFilters=@p3`;
  const values = [
    `@p1=${encodeURIComponent(JSON.stringify(EVERYTHING))}`,
    `@p2=${encodeURIComponent(`'${stamp.replaceAll("'", "''")}'`)}`,
    `@p3=${encodeURIComponent("Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'")}`,
  ];
  const found = await ask(client, `${parameters})?${values.join('&')}`, signal);
  if (found === undefined || isEarlier(found.ServerVersionStamp, stamp)) return undefined;
  const { Count, Keys, Values } = found.DeletedMetadata ?? {};
  const lists = Values ?? [];
  // Ids in another form than expected must not look like none.
  if ((Count ?? 0) > lists.length || (Keys ?? []).length !== lists.length) return undefined;
  return {
    stamp: found.ServerVersionStamp,
    tables: new Set((found.EntityMetadata ?? []).map(({ LogicalName }) => LogicalName)),
    deleted: lists.flat().map((id) => id.toLowerCase()),
    deletesLabels: lists.some((ids, at) => ids.length > 0 && !WITHOUT_LABELS.has(Keys?.[at] ?? '')),
  };
}

/**
 * Asks for the stamp of now.
 *
 * @returns undefined if the environment does not offer the function.
 * @throws the signal's reason if aborted.
 */
export async function readMetadataStamp(
  client: DataverseClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  const value = encodeURIComponent(JSON.stringify(NEXT_TO_NOTHING));
  return (await ask(client, `Query=@p1)?@p1=${value}`, signal))?.ServerVersionStamp;
}

async function ask(
  client: DataverseClient,
  call: string,
  signal: AbortSignal,
): Promise<z.infer<typeof answer> | undefined> {
  const url = `RetrieveMetadataChanges(${call}`;
  const request = { url, priority: 'metadata', consistency: 'Strong', optional: true } as const;
  try {
    const parsed = answer.safeParse(await client.getJson(request, signal));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    signal.throwIfAborted();
    // Whatever is wrong, reading all metadata is another way. A refused sign-in is met there again.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Stamps are `<version>!<time>`. Of another form nothing is known, and the environment's word counts. */
function isEarlier(stamp: string, than: string): boolean {
  const [now, before] = [stamp, than].map((each) => /^(\d+)!/.exec(each)?.[1]);
  return now !== undefined && before !== undefined && BigInt(now) < BigInt(before);
}
