import type { Random } from './random.ts';
import { lineOfText, memoText, type Text } from './texts.ts';

/** A value that is not null, as the source writes it and as COPY text. */
export interface Value {
  readonly json: string;
  readonly copy: string;
  /** The table of a lookup's row; absent for all other kinds. */
  readonly target?: string;
}

/** How the texts of a table look. */
export interface TextLook {
  /** The share of texts that the source has to write with an escape. */
  readonly escapes: number;
  /** The same for memos. Most real ones have line breaks. */
  readonly memoEscapes: number;
  /** Characters of a memo on average. */
  readonly memoLength: number;
}

export type KindName =
  | 'key'
  | 'version'
  | 'text'
  | 'memo'
  | 'money'
  | 'decimal'
  | 'double'
  | 'integer'
  | 'bigint'
  | 'choice'
  | 'choices'
  | 'state'
  | 'status'
  | 'boolean'
  | 'moment'
  | 'date'
  | 'guid'
  | 'lookup'
  | 'customer'
  | 'owner';

interface Kind {
  /** Its AttributeTypeName in the metadata. */
  readonly type: string;
  readonly targets?: readonly string[];
  /** The PostgreSQL type that a value of JSON converts to. */
  readonly recordType: string;
  /** The DateTimeBehavior of dates and times. */
  readonly behavior?: string;
  readonly value: (random: Random, look: TextLook) => Value;
}

/** How values of each kind look in rows of real environments. Money has ten fractional digits there. */
export const KINDS: Readonly<Record<KindName, Kind>> = {
  // Key and version are written over in each row.
  key: { type: 'UniqueidentifierType', recordType: 'uuid', value: () => quoted('') },
  version: { type: 'BigIntType', recordType: 'bigint', value: () => plain('') },
  text: {
    type: 'StringType',
    recordType: 'text',
    value: (random, { escapes }) => textValue(lineOfText(random, escapes)),
  },
  memo: {
    type: 'MemoType',
    recordType: 'text',
    value: (random, { memoEscapes, memoLength }) => textValue(memoText(random, memoEscapes, memoLength)),
  },
  money: {
    type: 'MoneyType',
    recordType: 'numeric',
    value: (random) => plain(`${random.below(10 ** (1 + random.below(7)))}.${digits(random, 4)}000000`),
  },
  decimal: {
    type: 'DecimalType',
    recordType: 'numeric',
    value: (random) => plain(`${1 + random.below(20)}.${digits(random, 4)}00000000`),
  },
  double: {
    type: 'DoubleType',
    recordType: 'double precision',
    value: (random) => plain(`${random.below(180) - 90}.${1 + random.below(99_999)}`),
  },
  integer: {
    type: 'IntegerType',
    recordType: 'integer',
    value: (random) => plain(String(random.below(10 ** (1 + random.below(6))))),
  },
  bigint: {
    type: 'BigIntType',
    recordType: 'bigint',
    value: (random) => plain(String(638_000_000_000_000_000n + BigInt(random.below(10 ** 12)))),
  },
  choice: { type: 'PicklistType', recordType: 'integer', value: (random) => plain(choice(random)) },
  choices: {
    type: 'MultiSelectPicklistType',
    recordType: 'text',
    value: (random) => {
      const all = Array.from(
        { length: 1 + random.below(4) },
        (_, at) => 100_000_000 + 3 * at + random.below(3),
      );
      return { json: `"${all.join(',')}"`, copy: `{${all.join(',')}}` };
    },
  },
  state: {
    type: 'StateType',
    recordType: 'integer',
    value: (random) => plain(random.chance(0.9) ? '0' : '1'),
  },
  status: {
    type: 'StatusType',
    recordType: 'integer',
    value: (random) => plain(random.chance(0.9) ? '1' : '2'),
  },
  boolean: {
    type: 'BooleanType',
    recordType: 'boolean',
    value: (random) => plain(random.chance(0.2) ? 'true' : 'false'),
  },
  moment: {
    type: 'DateTimeType',
    behavior: 'UserLocal',
    recordType: 'timestamptz',
    value: (random) =>
      quoted(`${day(random)}T${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}Z`),
  },
  date: {
    type: 'DateTimeType',
    behavior: 'DateOnly',
    recordType: 'date',
    value: (random) => quoted(day(random)),
  },
  guid: { type: 'UniqueidentifierType', recordType: 'uuid', value: (random) => quoted(guid(random)) },
  lookup: lookup('LookupType', ['contact']),
  customer: lookup('CustomerType', ['account', 'contact']),
  owner: lookup('OwnerType', ['systemuser', 'team']),
};

function lookup(type: string, targets: readonly string[]): Kind {
  return {
    type,
    targets,
    recordType: 'uuid',
    value: (random) => ({ ...quoted(guid(random)), target: random.pick(targets) }),
  };
}

function plain(text: string): Value {
  return { json: text, copy: text };
}

function quoted(text: string): Value {
  return { json: `"${text}"`, copy: text };
}

function textValue({ text, asEscapes }: Text): Value {
  const json = JSON.stringify(text);
  return { json: asEscapes ? withUnicodeEscapes(json) : json, copy: copyText(text) };
}

/** Four digits for each UTF-16 unit, as JSON has it: two escapes for a character of four bytes. */
function withUnicodeEscapes(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const COPY_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

function copyText(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (character) => COPY_ESCAPES[character] ?? character);
}

function choice(random: Random): string {
  return String(random.chance(0.5) ? 1 + random.below(9) : 100_000_000 + random.below(12));
}

function day(random: Random): string {
  return `20${two(12 + random.below(14))}-${two(1 + random.below(12))}-${two(1 + random.below(28))}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

function digits(random: Random, count: number): string {
  return random.chance(0.6) ? '0'.repeat(count) : String(random.below(10 ** count)).padStart(count, '0');
}

/** Lookups of a table point to few rows. A third of the ids here come from a small set. */
function guid(random: Random): string {
  const part = (): string => random.below(65_536).toString(16).padStart(4, '0');
  if (random.chance(0.3)) return `c76fee97-961f-ef11-840b-000d3abf96${two(random.below(40))}`;
  return `${part()}${part()}-${part()}-ef11-840b-000d${part()}${part()}`;
}
