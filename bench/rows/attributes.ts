/** The columns of the benchmark's tables: account-like, of the types that real tables have most of. */

export type Kind = 'text' | 'money' | 'integer' | 'boolean' | 'moment' | 'lookup';

const KINDS: readonly Kind[] = ['text', 'money', 'integer', 'boolean', 'moment', 'lookup', 'text', 'integer'];

const ATTRIBUTE_TYPES: Readonly<Record<Kind, string>> = {
  text: 'StringType',
  money: 'MoneyType',
  integer: 'IntegerType',
  boolean: 'BooleanType',
  moment: 'DateTimeType',
  lookup: 'LookupType',
};

export const KEY = 'accountid';
export const VERSION = 'versionnumber';

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
  return [{ name: KEY, type: 'UniqueidentifierType' }, { name: VERSION, type: 'BigIntType' }, ...rest];
}

/** The member of a row that holds the attribute's value. */
export function propertyOf(attribute: Attribute): string {
  return attribute.type === 'LookupType' ? `_${attribute.name}_value` : attribute.name;
}

/** What kind of value a column holds; columns are counted after key and version. */
export function kindOf(column: number): Kind {
  return KINDS[column % KINDS.length] ?? 'text';
}
