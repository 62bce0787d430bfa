/** The rows of the benchmark: account-like, the same for the source's JSON and for the floor's COPY text. */

type Kind = 'text' | 'money' | 'integer' | 'boolean' | 'moment' | 'lookup';

const KINDS: readonly Kind[] = ['text', 'money', 'integer', 'boolean', 'moment', 'lookup', 'text', 'integer'];
/** Two of five values are null, as in tables with many columns. */
const isNull = (row: number, column: number): boolean => (row * 7 + column * 3) % 5 < 2;
/** Rows differ in what follows their key; more different ones than this would not change the work. */
const VARIETY = 500;

export const ATTRIBUTE_TYPES: Readonly<Record<Kind, string>> = {
  text: 'StringType',
  money: 'MoneyType',
  integer: 'IntegerType',
  boolean: 'BooleanType',
  moment: 'DateTimeType',
  lookup: 'LookupType',
};

export interface Attribute {
  readonly name: string;
  readonly type: string;
}

/** As many attributes as the table has columns, key and version first. */
export function attributes(columns: number): Attribute[] {
  const rest = Array.from({ length: columns - 2 }, (_, column) => {
    const kind = kindOf(column);
    return { name: `new_${kind}column${column}`, type: ATTRIBUTE_TYPES[kind] };
  });
  return [
    { name: 'accountid', type: 'UniqueidentifierType' },
    { name: 'versionnumber', type: 'BigIntType' },
    ...rest,
  ];
}

export function propertyOf(attribute: Attribute): string {
  return attribute.type === 'LookupType' ? `_${attribute.name}_value` : attribute.name;
}

export class AccountRows {
  private readonly jsonTails: Buffer[];
  private readonly copyTails: Buffer[];

  constructor(columns: number) {
    const rest = attributes(columns).slice(2);
    const rows = Array.from({ length: VARIETY }, (_, row) => row);
    this.jsonTails = rows.map((row) =>
      Buffer.from(
        `${rest.map((attribute, column) => `,"${propertyOf(attribute)}":${json(row, column)}`).join('')}}`,
      ),
    );
    this.copyTails = rows.map((row) =>
      Buffer.from(`${rest.map((_, column) => `\t${copy(row, column)}`).join('')}\n`),
    );
  }

  /** Rows `from` to `to` as the members of a page's `value`. */
  json(from: number, to: number): Buffer {
    const parts: Buffer[] = [];
    for (let row = from; row < to; row++) {
      const head = `${row === from ? '' : ','}{"@odata.etag":"W/\\"${row + 1}\\"","accountid":"${id(row)}","versionnumber":${row + 1}`;
      parts.push(Buffer.from(head), this.jsonTails[row % VARIETY] as Buffer);
    }
    return Buffer.concat(parts);
  }

  /** The same rows as COPY text. */
  copyText(from: number, to: number): Buffer {
    const parts: Buffer[] = [];
    for (let row = from; row < to; row++) {
      parts.push(Buffer.from(`${id(row)}\t${row + 1}`), this.copyTails[row % VARIETY] as Buffer);
    }
    return Buffer.concat(parts);
  }
}

function kindOf(column: number): Kind {
  return KINDS[column % KINDS.length] ?? 'text';
}

/** Keys in no order, as a source's are: what a primary key's index costs depends on it. */
function id(row: number): string {
  const scattered = Math.imul(row + 1, 0x9e3779b1) >>> 0;
  const hex = scattered.toString(16).padStart(8, '0');
  return `${hex}-${hex.slice(0, 4)}-4000-8000-${row.toString(16).padStart(12, '0')}`;
}

function value(row: number, column: number): string | null {
  if (isNull(row, column)) return null;
  switch (kindOf(column)) {
    case 'text':
      return `Contoso value ${row} of ${column}`;
    case 'money':
      return `${row * 13 + column}.5000000000`;
    case 'integer':
      return String(100_000 + ((row * column) % 1_000));
    case 'boolean':
      return (row + column) % 2 === 0 ? 'true' : 'false';
    case 'moment':
      return `2024-0${(column % 9) + 1}-1${row % 10}T10:20:30Z`;
    case 'lookup':
      return id(row * 31 + column);
  }
}

function json(row: number, column: number): string {
  const text = value(row, column);
  if (text === null) return 'null';
  const quoted = ['text', 'moment', 'lookup'].includes(kindOf(column));
  return quoted ? JSON.stringify(text) : text;
}

function copy(row: number, column: number): string {
  return value(row, column) ?? '\\N';
}
