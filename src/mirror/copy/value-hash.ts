import { createHmac } from 'node:crypto';

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const QUOTE = 0x22;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * What a hashed column holds in place of a value: the HMAC-SHA-256 of its text, in lower-case hex.
 *
 * The text is a string's characters as UTF-8, or a number or boolean as it was written. GUIDs are hashed in
 * lower case, so that equal values have equal hashes in every column of every table.
 *
 * @param literal the value as JSON.
 * @returns undefined for a string that is no well-formed Unicode, because its UTF-8 would not be unique.
 */
export function valueHash(key: string, literal: Uint8Array): string | undefined {
  const hash = createHmac('sha256', key);
  if (literal[0] !== QUOTE) return hash.update(literal).digest('hex');
  const text = decoded(literal);
  if (text === undefined) return undefined;
  return hash.update(GUID.test(text) ? text.toLowerCase() : text, 'utf8').digest('hex');
}

function decoded(literal: Uint8Array): string | undefined {
  try {
    const text = String(JSON.parse(decoder.decode(literal)));
    return text.isWellFormed() ? text : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
