import { KINDS, type Value } from '../shapes/kinds.ts';
import { Random } from '../shapes/random.ts';
import { propertyOf, VERSION, type Attribute, type Shape } from '../shapes/shape.ts';
import { ANY_KEY } from './key.ts';
import { ANY_VERSION } from './version.ts';

/** Rows differ in more than key and version. More different rows than this would not change the work. */
export const VARIETY = 500;

/** The text of a row, with a key and a version that are written over in place. */
export interface RowText {
  readonly bytes: Buffer;
  /** Counted from the start of the row, bytes. */
  readonly keyAt: number;
  readonly versionsAt: readonly number[];
}

/** Each different row of JSON, after a comma. `annotated` rows say which table a lookup points to. */
export function jsonRows(shape: Shape, annotated: boolean): RowText[] {
  return everyRow((row) => jsonRow(shape, valuesOf(shape, row), annotated));
}

/** Each different line of COPY text: key and version, then the columns of all other attributes. */
export function copyLines(shape: Shape): RowText[] {
  return everyRow((row) => copyLine(shape, valuesOf(shape, row)));
}

function everyRow(text: (row: number) => RowText): RowText[] {
  return Array.from({ length: VARIETY }, (_, row) => text(row));
}

/** The values of a row, without key and version; a null has none. */
function valuesOf({ attributes, look }: Shape, row: number): ReadonlyMap<string, Value> {
  const random = new Random(row);
  const values = new Map<string, Value>();
  for (const { name, kind, filled } of attributes.slice(2)) {
    if (random.chance(filled)) values.set(name, KINDS[kind].value(random, look));
  }
  return values;
}

const LOOKUP_ANNOTATION = 'Microsoft.Dynamics.CRM.lookuplogicalname';

function jsonRow(shape: Shape, values: ReadonlyMap<string, Value>, annotated: boolean): RowText {
  let text = `,{"@odata.etag":"W/\\"${ANY_VERSION}\\""`;
  const versionsAt = [Buffer.byteLength(text) - ANY_VERSION.length - 3];
  let keyAt = 0;
  let nulls = '';
  for (const attribute of shape.written) {
    const property = propertyOf(attribute);
    const member = `,"${property}":`;
    const value = values.get(attribute.name);
    if (attribute.name === shape.key) {
      keyAt = Buffer.byteLength(`${text}${member}"`);
      text += `${member}"${ANY_KEY}"`;
    } else if (attribute.name === VERSION) {
      versionsAt.push(Buffer.byteLength(`${text}${member}`));
      text += `${member}${ANY_VERSION}`;
    } else if (value !== undefined)
      text += `${annotation(attribute, value, annotated)}${member}${value.json}`;
    else if (shape.nulls === 'in-place') text += `${member}null`;
    else nulls += `${member}null`;
  }
  return { bytes: Buffer.from(`${text}${nulls}}`), keyAt, versionsAt };
}

function annotation(attribute: Attribute, { target }: Value, annotated: boolean): string {
  return annotated && target !== undefined
    ? `,"${propertyOf(attribute)}@${LOOKUP_ANNOTATION}":"${target}"`
    : '';
}

function copyLine({ attributes }: Shape, values: ReadonlyMap<string, Value>): RowText {
  const head = `${ANY_KEY}\t${ANY_VERSION}`;
  const fields = attributes.slice(2).flatMap(({ name, kind }) => {
    const value = values.get(name);
    const field = value?.copy ?? '\\N';
    return (KINDS[kind].targets ?? []).length > 1 ? [field, value?.target ?? '\\N'] : [field];
  });
  return {
    bytes: Buffer.from(`${[head, ...fields].join('\t')}\n`),
    keyAt: 0,
    versionsAt: [ANY_KEY.length + 1],
  };
}
