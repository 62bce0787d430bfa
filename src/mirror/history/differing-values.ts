/** Types whose values are the same if PostgreSQL calls them equal. */
const PLAIN_TYPES = [
  'bool',
  'int2',
  'int4',
  'int8',
  'uuid',
  'float8',
  'date',
  'timestamp',
  'timestamptz',
  '_int4',
]
  .map((type) => `'${type}'::regtype`)
  .join(', ');

/**
 * SQL that gives a condition as text: whether the rows named `one` and `other` have different values in column `a`, a
 * row of pg_attribute.
 *
 * Texts are compared by their bytes. So are numbers and all other types, because 1.0 and 1.00 are equal, and other
 * values for whoever reads them.
 */
export function differingValue(one: string, other: string): string {
  return `CASE WHEN a.atttypid IN (${PLAIN_TYPES}) THEN format('${one}.%1$I IS DISTINCT FROM ${other}.%1$I', a.attname)
           ELSE format('${one}.%1$I::text COLLATE "C" IS DISTINCT FROM ${other}.%1$I::text COLLATE "C"', a.attname) END`;
}
