/** Types whose values are the same if PostgreSQL calls them equal. */
const PLAIN = `'{bool,int2,int4,int8,uuid,date,timestamp,timestamptz,int4[]}'::regtype[]`;

/**
 * SQL that gives a condition as text: whether the rows named `one` and `other` have different values in column `a`, a
 * row of pg_attribute.
 *
 * Values are the same if a reader cannot tell them apart. PostgreSQL calls some others equal too: 1.0 and 1.00, 0 and -0
 * of double precision, and texts that a collation does not distinguish.
 */
export function differingValue(one: string, other: string): string {
  const [left, right] = [`${one}.%1$I`, `${other}.%1$I`];
  return `CASE WHEN a.atttypid = ANY (${PLAIN}) THEN format('${left} IS DISTINCT FROM ${right}', a.attname)
               WHEN a.atttypid = 'numeric'::regtype
                 THEN format('(${left} IS DISTINCT FROM ${right} OR scale(${left}) IS DISTINCT FROM scale(${right}))', a.attname)
               ELSE format('${left}::text COLLATE "C" IS DISTINCT FROM ${right}::text COLLATE "C"', a.attname) END`;
}
