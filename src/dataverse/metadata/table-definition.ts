import { z } from 'zod';
import type { OddItem } from '../../model/table.ts';

/** `{"LocalizedLabels":[…],"UserLocalizedLabel":{"Label":"Account",…}}`. An odd label costs only the comment. */
const label = z
  .object({
    UserLocalizedLabel: z.object({ Label: z.string().nullish() }).nullish(),
    LocalizedLabels: z.array(z.object({ Label: z.string().nullish() })).nullish(),
  })
  .nullish()
  .catch(undefined);

/** A member without influence on the mirrored rows. A value of another type counts as absent. */
const harmless = <T extends z.ZodType>(type: T) => type.nullish().catch(undefined);

/** Documented as a boolean, but some environments send a managed property. */
const flag = z
  .union([z.boolean(), z.object({ Value: z.boolean() }).transform(({ Value }) => Value)])
  .nullish();

export const ENTITY_SELECT = [
  'LogicalName',
  'EntitySetName',
  'PrimaryIdAttribute',
  'PrimaryNameAttribute',
  'ChangeTrackingEnabled',
  'CanChangeTrackingBeEnabled',
  'IsIntersect',
  'TableType',
  'DisplayName',
  'Description',
];

/** A table in EntityDefinitions. */
export const entityDefinition = z.object({
  LogicalName: z.string().min(1),
  /** Comes unasked. */
  MetadataId: harmless(z.string()),
  EntitySetName: z.string().nullish(),
  PrimaryIdAttribute: z.string().nullish(),
  PrimaryNameAttribute: harmless(z.string()),
  ChangeTrackingEnabled: z.boolean().nullish(),
  CanChangeTrackingBeEnabled: harmless(flag),
  IsIntersect: z.boolean().nullish(),
  TableType: z.string().nullish(),
  /** Comes only where TableType is unknown. Standard tables have none. */
  DataProviderId: harmless(z.string()),
  DisplayName: label,
  Description: label,
});
export type EntityDefinition = z.infer<typeof entityDefinition>;

/** How the environment stores the rows of a table: itself, in Cosmos DB, or in another system that a provider asks. */
export type TableKind = 'standard' | 'elastic' | 'virtual';

export function kindOf({ TableType, DataProviderId }: EntityDefinition): TableKind {
  if (TableType === 'Elastic') return 'elastic';
  if (TableType === 'Virtual') return 'virtual';
  // Versions before elastic tables do not know TableType. Their only tables with a provider are virtual.
  return !TableType && DataProviderId ? 'virtual' : 'standard';
}

export const ATTRIBUTE_SELECT = [
  'LogicalName',
  'AttributeType',
  'AttributeTypeName',
  'AttributeOf',
  'IsValidForRead',
  'IsValidODataAttribute',
  'IsSecured',
  'SourceType',
  'DisplayName',
  'Description',
];

export const attributeDefinition = z.object({
  LogicalName: z.string().min(1),
  /** Comes unasked. */
  MetadataId: harmless(z.string()),
  AttributeType: z.string().nullish(),
  AttributeTypeName: z.object({ Value: z.string().nullish() }).nullish(),
  AttributeOf: z.string().nullish(),
  IsValidForRead: z.boolean().nullish(),
  IsValidODataAttribute: flag,
  IsSecured: harmless(z.boolean()),
  SourceType: harmless(z.number()),
  DisplayName: label,
  Description: label,
});
export type AttributeDefinition = z.infer<typeof attributeDefinition>;

/** Members that only a cast of the attributes shows. */
export const lookupDetail = z.object({
  LogicalName: z.string().min(1),
  Targets: z.array(z.string()).nullish(),
});
export const dateTimeDetail = z.object({
  LogicalName: z.string().min(1),
  DateTimeBehavior: z.object({ Value: z.string().nullish() }).nullish(),
});

export interface AttributeDetails {
  /** Target tables of each lookup. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  /** `UserLocal`, `TimeZoneIndependent` or `DateOnly` of each date-time. */
  readonly behaviors: ReadonlyMap<string, string>;
  /** Attributes with an odd detail, and the reason. */
  readonly odd?: readonly OddItem[];
}

/** The label in the caller's language, else the first label; undefined if there is none. */
export function labelText(value: z.infer<typeof label>): string | undefined {
  const text = value?.UserLocalizedLabel?.Label ?? value?.LocalizedLabels?.[0]?.Label;
  return text === null || text === '' ? undefined : text;
}

/** A definition with one label in place of the labels in all languages, so that the list of tables stays small. */
export function shortened(definition: EntityDefinition): EntityDefinition {
  return {
    ...definition,
    DisplayName: oneLabel(definition.DisplayName),
    Description: oneLabel(definition.Description),
  };
}

function oneLabel(value: z.infer<typeof label>): z.infer<typeof label> {
  const text = labelText(value);
  return text === undefined ? null : { UserLocalizedLabel: { Label: text } };
}
