import type { KindName, TextLook } from './kinds.ts';
import { KINDS } from './kinds.ts';
import { Random } from './random.ts';

/** Columns of one kind, and the share of rows in which they have a value. */
export interface ColumnGroup {
  readonly kind: KindName;
  readonly filled: number;
  /** Separated by spaces. */
  readonly names: string;
}

/** What a shape is made of. */
export interface ShapeParts {
  readonly name: string;
  readonly key: string;
  readonly look: TextLook;
  /** Where the source writes nulls: after all values, as environments do, if this is absent. */
  readonly nulls?: 'in-place';
  /** Columns that the table has at every width, after its key and its version. */
  readonly first: readonly ColumnGroup[];
  /** Columns that it has if it is wide enough. A wider table gets custom columns of all kinds. */
  readonly more: readonly ColumnGroup[];
}

export interface Attribute {
  readonly name: string;
  readonly kind: KindName;
  /** The share of rows that have a value. */
  readonly filled: number;
}

/** A table of the benchmark: its attributes, and how its rows are written. */
export interface Shape {
  readonly key: string;
  readonly look: TextLook;
  readonly nulls: 'last' | 'in-place';
  /** Key and version first. */
  readonly attributes: readonly Attribute[];
  /** The same attributes in the order in which the source writes them. It has nothing to do with the metadata's. */
  readonly written: readonly Attribute[];
}

export const VERSION = 'versionnumber';

/** Kinds of custom columns, as often as real tables have them. */
const CUSTOM: readonly KindName[] = [
  'text',
  'choice',
  'boolean',
  'text',
  'money',
  'moment',
  'lookup',
  'integer',
  'text',
  'choice',
  'decimal',
  'text',
  'boolean',
  'choices',
  'date',
  'text',
  'double',
  'lookup',
  'choice',
  'memo',
];

/** Half of the values of a wide table are null, and few columns have a value in half of the rows. */
const CUSTOM_FILLED = [0.95, 0.1, 0.7, 0.02, 0.9, 0.3];

/** A shape with key and version alone. */
export function keysAlone(shape: Shape): Shape {
  const attributes = shape.attributes.slice(0, 2);
  return { ...shape, attributes, written: attributes };
}

/** A table with so many columns. A lookup to several tables has two. */
export function makeShape({ name, key, look, nulls, first, more }: ShapeParts, columns: number): Shape {
  const random = new Random(name.length);
  const attributes: Attribute[] = [
    { name: key, kind: 'key', filled: 1 },
    { name: VERSION, kind: 'version', filled: 1 },
  ];
  let left = columns - attributes.length;
  const candidates = [...each(first), ...random.shuffled(each(more))];
  for (let at = 0; left > 0; at++) {
    const attribute = candidates[at] ?? custom(at - candidates.length);
    const taken = columnsOf(attribute).length;
    if (taken > left) continue;
    attributes.push(attribute);
    left -= taken;
  }
  return {
    key,
    look,
    nulls: nulls ?? 'last',
    attributes,
    written: nulls === 'in-place' ? attributes : random.shuffled(attributes),
  };
}

/** The member of a row that has the attribute's value. */
export function propertyOf({ name, kind }: Attribute): string {
  return KINDS[kind].targets === undefined ? name : `_${name}_value`;
}

/** The columns of the mirror that an attribute makes. */
export function columnsOf({ name, kind }: Attribute): string[] {
  return (KINDS[kind].targets ?? []).length > 1 ? [name, `${name}_entitytype`] : [name];
}

function each(groups: readonly ColumnGroup[]): Attribute[] {
  return groups.flatMap(({ kind, filled, names }) =>
    names.split(' ').map((name) => ({ name, kind, filled })),
  );
}

function custom(number: number): Attribute {
  const kind = CUSTOM[number % CUSTOM.length] as KindName;
  const filled = kind === 'boolean' ? 1 : (CUSTOM_FILLED[number % CUSTOM_FILLED.length] as number);
  return { name: `contoso_${kind}${number}`, kind, filled };
}
