import { createHash } from 'node:crypto';

/** PostgreSQL keeps 63 bytes of a name and silently drops the rest. */
const MAX_BYTES = 63;
const HASH_CHARACTERS = 8;

/**
 * Quotes a name. Names get into SQL text in no other way.
 *
 * @throws TypeError for a NUL character, which no PostgreSQL name can hold.
 */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new TypeError('A name in PostgreSQL cannot hold a NUL character.');
  return `"${name.replaceAll('"', '""')}"`;
}

/** `schema.name`, both quoted. */
export function qualifiedName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** A string literal for the few statements that take no parameters, such as COMMENT ON. */
export function quoteLiteral(text: string): string {
  const clean = text.replaceAll('\0', '');
  return clean.includes('\\')
    ? `E'${clean.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${clean.replaceAll("'", "''")}'`;
}

/**
 * The name that PostgreSQL will keep: the same name up to 63 bytes of UTF-8. A longer one becomes its beginning, `_`
 * and eight characters of its hash, so that two long names with the same beginning stay different.
 */
export function shortenIdentifier(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  return withHash(name, name);
}

function withHash(name: string, hashed: string): string {
  const hash = createHash('sha256').update(hashed).digest('hex').slice(0, HASH_CHARACTERS);
  let beginning = '';
  for (const character of name) {
    if (Buffer.byteLength(beginning + character) > MAX_BYTES - HASH_CHARACTERS - 1) break;
    beginning += character;
  }
  return `${beginning}_${hash}`;
}

/**
 * Shortened names for a table's columns, each different from the others and from `reserved`. A name that is
 * taken also gets the hash suffix, for example when an attribute is called like a companion column.
 */
export function columnIdentifiers(
  names: readonly string[],
  reserved: readonly string[],
): ReadonlyMap<string, string> {
  const taken = new Set(reserved);
  const result = new Map<string, string>();
  for (const name of names) {
    let identifier = shortenIdentifier(name);
    for (let attempt = 0; taken.has(identifier); attempt++) {
      identifier = withHash(name, `${name}#${attempt}`);
    }
    taken.add(identifier);
    result.set(name, identifier);
  }
  return result;
}
