import { z } from 'zod';
import type { LocalizedText, Option } from '../../model/option-labels.ts';

/** Definitions as some tools write them have some of their numbers in quotes. */
const whole = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);

const oneLanguage = z.object({ Label: z.string().nullish(), LanguageCode: whole });

/** The items of a list that are of a shape; of the others only how many there are. */
function wellFormed<T>(shape: z.ZodType<T>, values: readonly unknown[]): { items: T[]; odd: number } {
  const items = values.flatMap((value) => {
    const parsed = shape.safeParse(value);
    return parsed.success ? [parsed.data] : [];
  });
  return { items, odd: values.length - items.length };
}

/**
 * A Label in all its languages: `{"LocalizedLabels":[{"Label":"Account","LanguageCode":1033,…}],…}`. An
 * odd one costs its own text.
 */
const label = z
  .object({
    UserLocalizedLabel: oneLanguage.nullish().catch(undefined),
    LocalizedLabels: z.array(z.unknown()).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
  .transform((value): LocalizedText => {
    const localized = wellFormed(oneLanguage, value?.LocalizedLabels ?? []);
    // Definitions without a list of languages may still have the caller's own.
    const all = [...localized.items, value?.UserLocalizedLabel];
    const texts = new Map<number, string>();
    for (const one of all) {
      if (!one?.Label || texts.has(one.LanguageCode)) continue;
      texts.set(one.LanguageCode, one.Label);
    }
    return texts;
  });

/** A member that may be missing; of another type it is as good as that. */
const nullable = <T extends z.ZodType>(type: T) =>
  type
    .nullish()
    .catch(undefined)
    .transform((value) => value ?? null);

export const TABLE_LABEL_SELECT = ['LogicalName', 'DisplayName', 'DisplayCollectionName', 'Description'];
export const tableLabel = z.object({
  DisplayName: label,
  DisplayCollectionName: label,
  Description: label,
});

export const COLUMN_LABEL_SELECT = [
  'LogicalName',
  'AttributeType',
  'AttributeTypeName',
  'AttributeOf',
  'ColumnNumber',
  'MetadataId',
  'DisplayName',
  'Description',
];
export const columnLabel = z.object({
  LogicalName: z.string().min(1),
  AttributeType: nullable(z.string()),
  AttributeTypeName: nullable(z.object({ Value: nullable(z.string()) })),
  AttributeOf: nullable(z.string()),
  ColumnNumber: nullable(whole),
  MetadataId: nullable(z.string()),
  DisplayName: label,
  Description: label,
});

const option = z
  .object({
    Value: whole,
    Label: label,
    Description: label,
    Color: nullable(z.string()),
    ExternalValue: nullable(z.string()),
    State: nullable(whole),
    DefaultStatus: nullable(whole),
    InvariantName: nullable(z.string()),
  })
  .transform((value): Option => ({
    value: value.Value,
    label: value.Label,
    description: value.Description,
    color: value.Color,
    externalValue: value.ExternalValue,
    state: value.State,
    defaultStatus: value.DefaultStatus,
    invariantName: value.InvariantName,
  }));

/** A two-way choice has `TrueOption` and `FalseOption`, every other one a list. */
const optionSet = z.object({
  Name: nullable(z.string()),
  IsGlobal: z.boolean().nullish().catch(undefined),
  Options: z
    .array(z.unknown())
    .nullish()
    .transform((values) => values && wellFormed(option, values)),
  TrueOption: option.nullish(),
  FalseOption: option.nullish(),
});
export type OptionSetDefinition = z.infer<typeof optionSet>;

/** A choice column with its option set: a global one comes in either member or in both. */
export const choiceDefinition = z.object({
  LogicalName: z.string().min(1),
  OptionSet: optionSet.nullish(),
  GlobalOptionSet: optionSet.nullish(),
});

/** Length or precision, whichever the type has. */
export const sizeDefinition = z.object({
  LogicalName: z.string().min(1),
  MaxLength: nullable(whole),
  Precision: nullable(whole),
});
