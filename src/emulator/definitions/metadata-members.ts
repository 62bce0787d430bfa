import { createHash } from 'node:crypto';

export interface LocalizedLabelJson {
  readonly Label: string;
  readonly LanguageCode: number;
  readonly IsManaged: boolean;
  readonly MetadataId: string;
  readonly HasChanged: null;
}

/**
 * A Label as metadata shows it. Both an empty list and a null user label occur on a live organization;
 * definitions exported by the SDK have null for the list.
 */
export interface LabelJson {
  readonly LocalizedLabels: readonly LocalizedLabelJson[] | null;
  readonly UserLocalizedLabel: LocalizedLabelJson | null;
}

/** A text in the two languages of the emulated organization. */
export type BilingualText = readonly [english: string, german: string];

/** A text in the languages of the emulated organization, or as it was recorded in a live organization. */
export type LocalizedText = BilingualText | LabelJson;

const NO_LABEL: LabelJson = { LocalizedLabels: [], UserLocalizedLabel: null };

/** The text as metadata shows it. A recorded text comes back unchanged. */
export function labelJson(text: LocalizedText | null, key: string): LabelJson {
  if (text === null) return NO_LABEL;
  if (!isTuple(text)) return text;
  const english = localized(text[0], 1033, key);
  return { LocalizedLabels: [english, localized(text[1], 1031, key)], UserLocalizedLabel: english };
}

/** The text in the caller's language, otherwise in the first language that it has; null without a text. */
export function userText(text: LocalizedText | null): string | null {
  if (text === null) return null;
  if (isTuple(text)) return text[0];
  return text.UserLocalizedLabel?.Label ?? text.LocalizedLabels?.[0]?.Label ?? null;
}

function isTuple(text: LocalizedText): text is BilingualText {
  return Array.isArray(text);
}

function localized(label: string, languageCode: number, key: string): LocalizedLabelJson {
  return {
    Label: label,
    LanguageCode: languageCode,
    IsManaged: true,
    MetadataId: stableGuid(`label:${key}:${languageCode}`),
    HasChanged: null,
  };
}

/** A boolean that a managed solution may lock, as metadata shows it. */
export function managedProperty(
  value: boolean,
  canBeChanged: boolean,
  managedPropertyLogicalName: string,
): Record<string, unknown> {
  return { Value: value, CanBeChanged: canBeChanged, ManagedPropertyLogicalName: managedPropertyLogicalName };
}

/** A GUID derived from a text, for metadata ids that must be the same at every start. */
export function stableGuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Members of a live definition that the model has no field for; served as they were recorded. */
export type Recorded = Readonly<Record<string, unknown>>;
