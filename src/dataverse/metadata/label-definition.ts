import { z } from 'zod';
import type { LocalizedText, Option } from '../../model/option-labels.ts';

/** An integer. Definitions that some tools write have some of their numbers in quotes. */
const whole = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);

const oneLanguage = z.object({ Label: z.string().nullish(), LanguageCode: whole });

/** The items of a list that have the shape, and the number of the others. */
function wellFormed<T>(shape: z.ZodType<T>, values: readonly unknown[]): { items: T[]; odd: number } {
  const items = values.flatMap((value) => {
    const parsed = shape.safeParse(value);
    return parsed.success ? [parsed.data] : [];
  });
  return { items, odd: values.length - items.length };
}

/**
 * A label in all its languages: `{"LocalizedLabels":[{"Label":"Account","LanguageCode":1033,…}],…}`. An odd
 * entry costs only its own text.
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
    // A definition without a list of languages may still have the label in the caller's language.
    const all = [...localized.items, value?.UserLocalizedLabel];
    const texts = new Map<number, string>();
    for (const one of all) {
      if (!one?.Label || texts.has(one.LanguageCode)) continue;
      texts.set(one.LanguageCode, one.Label);
    }
    return texts;
  });

/** A member that may be missing. A value of another type counts as missing. */
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

/** A choice of two values has `TrueOption` and `FalseOption`. Every other choice has a list. */
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

/** A choice column with its option set. A global set comes in one of the members or in both. */
export const choiceDefinition = z.object({
  LogicalName: z.string().min(1),
  OptionSet: optionSet.nullish(),
  GlobalOptionSet: optionSet.nullish(),
});

/** The length or the precision of an attribute, depending on its type. */
export const sizeDefinition = z.object({
  LogicalName: z.string().min(1),
  MaxLength: nullable(whole),
  Precision: nullable(whole),
});
