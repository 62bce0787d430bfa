import { quoteIdentifier } from '../table/identifier.ts';

/** Programs that read a publication and want it in a form of their own. */
export const PUBLICATION_READERS = ['powersync', 'electric', 'zero'] as const;
export type PublicationReader = (typeof PUBLICATION_READERS)[number];

/** The beginning of the sentence by which a publication's comment says that mirrorverse keeps it. */
export function markBeginning(schema: string): string {
  return `mirrorverse keeps the mirror tables of schema ${quoteIdentifier(schema)} in this publication`;
}

/** The comment with our sentence in it, once. Other sentences of the comment stay. */
export function withMark(comment: string | null, schema: string, reader: PublicationReader | null): string {
  const mark = `${markBeginning(schema)}${reader === null ? '' : ` for ${reader}`}.`;
  if (comment === null) return mark;
  const at = comment.indexOf(markBeginning(schema));
  if (at === -1) return `${comment} ${mark}`;
  const end = comment.indexOf('.', at + markBeginning(schema).length);
  return comment.slice(0, at) + mark + (end === -1 ? '' : comment.slice(end + 1));
}

/** For which program the publication is kept; null if it is for any. */
export function readerOf(comment: string, schema: string): PublicationReader | null {
  const rest = comment.slice(comment.indexOf(markBeginning(schema)) + markBeginning(schema).length);
  return PUBLICATION_READERS.find((reader) => rest.startsWith(` for ${reader}.`)) ?? null;
}

/**
 * Whether the program takes a table. Zero needs a key without nulls, but the partition of an elastic table may be
 * null (zero.rocicorp.dev/docs/postgres-support, "Primary Keys").
 */
export function takesTable(reader: PublicationReader | null, isElastic: boolean): boolean {
  return reader !== 'zero' || !isElastic;
}

/** Electric wants all values of the old row (electric-sql.com, "PostgreSQL Permissions"). */
export function wantsWholeRows(reader: PublicationReader | null): boolean {
  return reader === 'electric';
}
