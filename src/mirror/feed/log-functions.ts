import type { StateFunction } from '../control/state-functions.ts';
import { qualifiedName } from '../table/identifier.ts';
import { DELETED_AT, MIRRORED_AT } from '../table/mirror-table.ts';
import { consumerFunctions } from './consumer-functions.ts';
import { differingValue } from './differing-values.ts';
import { NEW_ROWS, OLD_ROWS } from './own-triggers.ts';

/** The view that shows the change log, in the state schema. */
export const CHANGES = 'changes';
/** The table behind the view. A partition has the day behind this name. */
export const LOGGED_CHANGES = 'logged_changes';
/** The channel on which each transaction tells the tables that it has logged changes of. */
export const CHANNEL = 'mirrorverse_changes';
/** The function that the triggers call. */
export const LOG_FUNCTION = 'log_changes';

/** SQL: what the text of a column's values is, for the function `row_as_json` of the state schema. */
const KIND = `CASE WHEN a.atttypid = ANY ('{text,varchar,uuid,date}'::regtype[]) THEN 'text'
              WHEN a.atttypid = ANY ('{int2,int4,int8,numeric,float4,float8}'::regtype[]) THEN 'number'
              WHEN a.atttypid = 'timestamptz'::regtype THEN 'timestamptz'
              WHEN a.atttypid = 'timestamp'::regtype THEN 'timestamp'
              WHEN a.atttypid = 'int4[]'::regtype THEN 'integers'
              WHEN a.atttypid = 'bool'::regtype THEN 'boolean'
              ELSE 'json' END`;

/**
 * SQL for a trigger function: reads the columns of the changed table, without our own two, into the variables `names`,
 * `kinds`, `before` and `after` (the lists of values of the rows `o` and `n`, as texts), and `differing` (the values of `o`
 * that differ from those of `n`). It reads them at each call, so a column that came or went a moment ago is right.
 *
 * In `differing`, null stands for a value that is the same in both rows: most updates change few columns, and making
 * texts is most of the work. So ~ stands for null, and a text that begins with ~ has another ~ before it.
 *
 * Types that no mirror column has, of columns that somebody added, become texts by way of JSON.
 */
const READ_COLUMNS = `
  SELECT array_agg(c.name ORDER BY c.at), array_agg(c.kind ORDER BY c.at),
         string_agg(format(c.value, 'o', c.name), ', ' ORDER BY c.at),
         string_agg(format(c.value, 'n', c.name), ', ' ORDER BY c.at),
         string_agg(format(CASE WHEN c.is_free THEN 'CASE WHEN %1$s THEN CASE WHEN %2$s ^@ ''~'' THEN ''~'' || %2$s ELSE coalesce(%2$s, ''~'') END END'
                                ELSE 'CASE WHEN %1$s THEN coalesce(%2$s, ''~'') END' END,
                           c.test, format(c.value, 'o', c.name)), ', ' ORDER BY c.at)
    INTO names, kinds, before, after, differing
    FROM (SELECT a.attname::text AS name, a.attnum AS at, k.kind, ${differingValue('o', 'n')} AS test,
                 -- Texts of other types do not begin with ~.
                 a.atttypid = ANY ('{text,varchar}'::regtype[]) AS is_free,
                 CASE k.kind WHEN 'json' THEN 'to_jsonb(%s.%I)::text COLLATE "C"' ELSE '%s.%I::text COLLATE "C"' END AS value
            FROM pg_attribute a CROSS JOIN LATERAL (SELECT ${KIND} AS kind) k
           WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped
             AND a.attname NOT IN ('${MIRRORED_AT}', '${DELETED_AT}')) c;`;

/**
 * The functions of the change log.
 *
 * `log_changes` is for triggers on statements. It has the rights of its owner, so a person who may edit a mirror table
 * needs no right on the state schema. Times in the log are in UTC, whatever the time zone of the session.
 */
export function changeLogFunctions(schema: string): readonly StateFunction[] {
  // It stands in a text for format(), which stands in quotes.
  const changes = inFormat(qualifiedName(schema, LOGGED_CHANGES));
  const layouts = qualifiedName(schema, 'row_layouts');
  const row = 'environment_id, table_name, layout, key, partition, operation, source_version';
  return [
    {
      name: LOG_FUNCTION,
      types: '',
      parameters: '',
      returns: 'trigger',
      language: 'plpgsql',
      settings: `SET timezone = 'UTC' SET datestyle = 'ISO' SET extra_float_digits = 1 SET jit = off`,
      body: `
DECLARE
  key_name text := TG_ARGV[2];
  partition_name text := TG_ARGV[3];
  version_name text := TG_ARGV[4];
  names text[];
  kinds text[];
  before text;
  after text;
  differing text;
  layout_digest bytea;
  layout_id integer;
  same_partition text := '';
  old_is_live text := '';
  new_is_live text := '';
  logged bigint;
BEGIN
${READ_COLUMNS}
  -- Somebody may have dropped a column of ours. The next run loads the table anew.
  IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attname = key_name AND NOT a.attisdropped) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attname = '${DELETED_AT}' AND NOT a.attisdropped) THEN
    old_is_live := ' AND o.${DELETED_AT} IS NULL';
    new_is_live := ' AND n.${DELETED_AT} IS NULL';
  END IF;
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attname = partition_name AND NOT a.attisdropped) THEN
    same_partition := format(' AND coalesce(o.%1$I, '''') = coalesce(n.%1$I, '''') AND (o.%1$I IS NULL) = (n.%1$I IS NULL)', partition_name);
    partition_name := format('%%s.%I', partition_name);
  ELSE
    partition_name := 'NULL::text';
  END IF;
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attname = version_name AND NOT a.attisdropped) THEN
    version_name := format('%%s.%I', version_name);
  ELSE
    version_name := 'NULL::bigint';
  END IF;
  layout_digest := sha256(convert_to(format('%s %s', names, kinds), 'UTF8'));
  SELECT l.id INTO layout_id FROM ${layouts} l WHERE l.digest = layout_digest LIMIT 1;
  IF layout_id IS NULL THEN
    -- Another transaction may store the same layout at this moment. Both stay, so none waits for the other.
    INSERT INTO ${layouts} (digest, names, kinds) VALUES (layout_digest, names, kinds) RETURNING id INTO layout_id;
  END IF;
  IF TG_OP = 'INSERT' THEN
    EXECUTE format('INSERT INTO ${changes} (${row}, new_values)
      SELECT $1, $2, $3, n.%I, %s, ''c'', %s, ARRAY[%s] FROM ${NEW_ROWS} n WHERE true%s',
      key_name, format(partition_name, 'n'), format(version_name, 'n'), after, new_is_live)
      USING TG_ARGV[0]::integer, TG_ARGV[1], layout_id;
  ELSIF TG_OP = 'DELETE' THEN
    EXECUTE format('INSERT INTO ${changes} (${row}, old_values)
      SELECT $1, $2, $3, o.%I, %s, ''d'', %s, ARRAY[%s] FROM ${OLD_ROWS} o WHERE true%s',
      key_name, format(partition_name, 'o'), format(version_name, 'o'), before, old_is_live)
      USING TG_ARGV[0]::integer, TG_ARGV[1], layout_id;
  ELSE
    -- OFFSET 0 makes PostgreSQL compute the list once, and not for each place where it is used.
    EXECUTE format('INSERT INTO ${changes} (${row}, old_values, new_values)
      SELECT $1, $2, $3, coalesce(n.%1$I, o.%1$I), coalesce(%2$s, %3$s), w.operation,
             CASE w.operation WHEN ''d'' THEN %4$s ELSE %5$s END,
             CASE w.operation WHEN ''u'' THEN d.texts WHEN ''d'' THEN ARRAY[%9$s] END,
             CASE WHEN w.operation <> ''d'' THEN ARRAY[%10$s] END
        FROM ${OLD_ROWS} o FULL JOIN ${NEW_ROWS} n ON o.%1$I = n.%1$I%6$s
       CROSS JOIN LATERAL (SELECT CASE WHEN o.%1$I IS NOT NULL%7$s THEN CASE WHEN n.%1$I IS NOT NULL%8$s THEN ''u'' ELSE ''d'' END
                                       WHEN n.%1$I IS NOT NULL%8$s THEN ''c'' END AS operation) w
       CROSS JOIN LATERAL (SELECT CASE w.operation WHEN ''u'' THEN ARRAY[%11$s] END AS texts OFFSET 0) d
       WHERE w.operation <> ''u'' OR (w.operation = ''u'' AND d.texts <> $4)',
      key_name, format(partition_name, 'n'), format(partition_name, 'o'), format(version_name, 'o'), format(version_name, 'n'),
      same_partition, old_is_live, new_is_live, before, after, differing)
      USING TG_ARGV[0]::integer, TG_ARGV[1], layout_id, array_fill(NULL::text, ARRAY[cardinality(names)]);
  END IF;
  GET DIAGNOSTICS logged = ROW_COUNT;
  -- PostgreSQL tells the same once in a transaction.
  IF logged > 0 THEN PERFORM pg_notify('${CHANNEL}', TG_ARGV[1]); END IF;
  RETURN NULL;
END
`,
    },
    ...consumerFunctions(schema),
  ];
}

/** SQL as a part of a quoted text for PostgreSQL's format(). */
function inFormat(sql: string): string {
  return sql.replaceAll('%', '%%').replaceAll("'", "''");
}
