/** Languages to choose a label in, as 1033; what is undefined is not preferred. */
export interface LabelLanguages {
  /** The configured one. */
  readonly preferred: number | undefined;
  /** The organization's base language. */
  readonly base: number | undefined;
}

/** The session's wish: `SET mirrorverse.language = 1031`. */
const LANGUAGE_SETTING = 'mirrorverse.language';

/**
 * An ORDER BY list that puts the label to show first: the session's language, the configured one, the
 * base language, any. The setting is compared as text, so that no value of it makes a query fail.
 *
 * @param column SQL of the column with the language code.
 */
export function byPreference(column: string, languages: LabelLanguages): string {
  const preferred = [languages.preferred, languages.base].filter((language) => language !== undefined);
  const ranks = preferred.map((language, at) => ` WHEN ${column} = ${code(language)} THEN ${at + 1}`);
  return `CASE WHEN ${column}::text = current_setting('${LANGUAGE_SETTING}', true) THEN 0${ranks.join('')} ELSE ${ranks.length + 1} END, ${column}`;
}

function code(language: number): number {
  if (!Number.isSafeInteger(language)) throw new TypeError(`${language} is no language code.`);
  return language;
}
