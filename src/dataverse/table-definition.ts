import { z } from 'zod';

/** `{"LocalizedLabels":[…],"UserLocalizedLabel":{"Label":"Account",…}}` */
const label = z
  .object({
    UserLocalizedLabel: z.object({ Label: z.string().nullish() }).nullish(),
    LocalizedLabels: z.array(z.object({ Label: z.string().nullish() })).nullish(),
  })
  .nullish();

/** Documented as a boolean, reported by some as a managed property. */
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

/** A table as EntityDefinitions describe it. */
export const entityDefinition = z.object({
  LogicalName: z.string(),
  /** Comes unasked. */
  MetadataId: z.string().nullish(),
  EntitySetName: z.string().nullish(),
  PrimaryIdAttribute: z.string().nullish(),
  PrimaryNameAttribute: z.string().nullish(),
  ChangeTrackingEnabled: z.boolean().nullish(),
  CanChangeTrackingBeEnabled: flag,
  IsIntersect: z.boolean().nullish(),
  TableType: z.string().nullish(),
  DisplayName: label,
  Description: label,
});
export type EntityDefinition = z.infer<typeof entityDefinition>;

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
  LogicalName: z.string(),
  /** Comes unasked. */
  MetadataId: z.string().nullish(),
  AttributeType: z.string().nullish(),
  AttributeTypeName: z.object({ Value: z.string().nullish() }).nullish(),
  AttributeOf: z.string().nullish(),
  IsValidForRead: z.boolean().nullish(),
  IsValidODataAttribute: flag,
  IsSecured: z.boolean().nullish(),
  SourceType: z.number().nullish(),
  DisplayName: label,
  Description: label,
});
export type AttributeDefinition = z.infer<typeof attributeDefinition>;

/** What only a cast of the attributes tells. */
export const lookupDetail = z.object({ LogicalName: z.string(), Targets: z.array(z.string()).nullish() });
export const dateTimeDetail = z.object({
  LogicalName: z.string(),
  DateTimeBehavior: z.object({ Value: z.string().nullish() }).nullish(),
});

export interface AttributeDetails {
  /** Target tables of each lookup. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  /** `UserLocal`, `TimeZoneIndependent` or `DateOnly` of each date-time. */
  readonly behaviors: ReadonlyMap<string, string>;
}

/** The caller's label, else the first there is; undefined when there is none. */
export function labelText(value: z.infer<typeof label>): string | undefined {
  const text = value?.UserLocalizedLabel?.Label ?? value?.LocalizedLabels?.[0]?.Label;
  return text === null || text === '' ? undefined : text;
}
