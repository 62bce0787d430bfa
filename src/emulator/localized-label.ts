import { stableGuid } from './stable-guid.ts';

/** A text in the two languages of the emulated organization. */
export type LocalizedText = readonly [english: string, german: string];

interface LocalizedLabelJson {
  readonly Label: string;
  readonly LanguageCode: number;
  readonly IsManaged: boolean;
  readonly MetadataId: string;
  readonly HasChanged: null;
}

export interface LabelJson {
  readonly LocalizedLabels: readonly LocalizedLabelJson[];
  readonly UserLocalizedLabel: LocalizedLabelJson | null;
}

/** A Label as metadata shows it. Both an empty list and a null user label occur on a live organization. */
export function labelJson(text: LocalizedText | null, key: string): LabelJson {
  if (text === null) return { LocalizedLabels: [], UserLocalizedLabel: null };
  const english = localized(text[0], 1033, key);
  return { LocalizedLabels: [english, localized(text[1], 1031, key)], UserLocalizedLabel: english };
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
