import type { Column, Table } from '../table.ts';
import { fitsPattern, isPattern } from '../name-pattern.ts';

/** The columns whose bodies are wanted, by logical names and patterns. */
export type FileWish = readonly string[];

/**
 * A column that stands for a body which no page has.
 *
 * - `file`: a File column. Its value is the id of the file.
 * - `image`: an Image column. `<name>id` and `<name>_timestamp` tell one image from the next.
 * - `text`: a text column with a body in base64, of notes and attachments. The row version tells of a change.
 */
export interface FileColumn {
  readonly name: string;
  readonly kind: 'file' | 'image' | 'text';
  /** Columns of the table whose values together tell one body from the next. */
  readonly identity: readonly string[];
  /** The column with the name of the file, and the column with its media type; absent if there is none. */
  readonly fileName?: string;
  readonly mimeType?: string;
  /** A column that is false for rows without a body. */
  readonly presence?: string;
}

/** Text columns with bodies in base64 ("Use file data with Attachment and Note records"). */
const BODIES: ReadonlyMap<string, { readonly column: string; readonly presence?: string }> = new Map([
  ['annotation', { column: 'documentbody', presence: 'isdocument' }],
  ['activitymimeattachment', { column: 'body' }],
]);

/**
 * The columns of a table that have bodies and fit the wish. A column is left out if the mirror lacks what tells one of
 * its bodies from the next, as it does if the configuration excludes or hashes that.
 *
 * @param definition the table with all columns that it can have.
 * @param mirrored the table with the columns of its mirror.
 */
export function fileColumns(definition: Table, wish: FileWish, mirrored: Table): FileColumn[] {
  const columns = new Map(mirrored.columns.map((column) => [column.name, column]));
  const present = (name: string | undefined): string | undefined =>
    name !== undefined && columns.has(name) && columns.get(name)?.type !== 'hash' ? name : undefined;
  return candidates(definition)
    .filter(({ name }) => wish.some((pattern) => fitsPattern(name, pattern)))
    .filter(({ identity }) => identity.length > 0 && identity.every((name) => present(name) !== undefined))
    .map(({ name, kind, identity, fileName, mimeType, presence }) => ({
      name,
      kind,
      identity,
      ...optional({ fileName: present(fileName), mimeType: present(mimeType), presence: present(presence) }),
    }));
}

/** Whether a column is mirrored only because the bodies of an image column are wanted. */
export function tellsImage(
  { name, attributeType }: Column,
  table: Table,
  wish: FileWish | undefined,
): boolean {
  if (wish === undefined || attributeType !== 'BigIntType') return false;
  return table.columns.some(
    (image) =>
      image.attributeType === 'ImageType' &&
      name === timestampOf(image.name) &&
      wish.some((pattern) => fitsPattern(image.name, pattern)),
  );
}

/** Names in a wish that no body column of the table has. @param definition the table with all its columns. */
export function unknownFileColumns(definition: Table, wish: FileWish): string[] {
  const names = candidates(definition).map(({ name }) => name);
  return wish.filter((pattern) => !isPattern(pattern) && !names.includes(pattern));
}

function candidates(table: Table): FileColumn[] {
  const names = new Set(table.columns.map(({ name }) => name));
  const found: FileColumn[] = [];
  for (const { name, attributeType } of table.columns) {
    if (attributeType === 'FileType') {
      found.push({ name, kind: 'file', identity: [name], fileName: `${name}_name` });
    } else if (attributeType === 'ImageType') {
      const identity = [`${name}id`, timestampOf(name)].filter((each) => names.has(each));
      found.push({ name, kind: 'image', identity });
    }
  }
  const body = BODIES.get(table.logicalName);
  if (body !== undefined) {
    const identity = table.version === undefined ? [] : [table.version];
    const { column: name, presence } = body;
    const described = { fileName: 'filename', mimeType: 'mimetype', ...optional({ presence }) };
    found.push({ name, kind: 'text', identity, ...described });
  }
  return found;
}

function timestampOf(image: string): string {
  return `${image}_timestamp`;
}

function optional(
  members: Readonly<Record<string, string | undefined>>,
): Pick<FileColumn, 'fileName' | 'mimeType' | 'presence'> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
