import type { StateFunction } from '../control/state-functions.ts';
import { qualifiedName } from '../table/identifier.ts';
import { DELETED_AT, MIRRORED_AT } from '../table/mirror-table.ts';
import { consumerFunctions } from './consumer-functions.ts';
import { differingValue } from './differing-values.ts';
import { NEW_ROWS, OLD_ROWS } from './own-triggers.ts';

/** The change log's name in the state schema. */
export const CHANGES = 'changes';
/** The channel on which each transaction tells the tables that it has logged changes of. */
export const CHANNEL = 'mirrorverse_changes';
/** The function that the triggers call. */
export const LOG_FUNCTION = 'log_changes';

/**
 * SQL for a trigger function: reads the columns of the changed table, without our own two, into the variables `before`
 * and `after` (the lists of columns of the rows `o` and `n`), `names` (an array of the columns that differ) and `differs`
 * (whether any does). It reads them at each call, so a column that came or went a moment ago is right.
 *
 * The lists are in the order in which jsonb keeps its keys, because PostgreSQL sorts keys for each row, and sorts keys
 * that are in order in a third less of the time for the whole row.
 */
const READ_COLUMNS = `
  SELECT string_agg(format('o.%I', a.attname), ', ' ORDER BY octet_length(a.attname), a.attname COLLATE "C"),
         string_agg(format('n.%I', a.attname), ', ' ORDER BY octet_length(a.attname), a.attname COLLATE "C"),
         string_agg(format('CASE WHEN %s THEN %L END', d.test, a.attname), ', ' ORDER BY a.attnum),
         string_agg(d.test, ' OR ' ORDER BY a.attnum)
    INTO before, after, names, differs
    FROM pg_attribute a
    CROSS JOIN LATERAL (SELECT ${differingValue('o', 'n')} AS test) d
   WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped
     AND a.attname NOT IN ('${MIRRORED_AT}', '${DELETED_AT}');`;

/**
 * The functions of the change log.
 *
 * `log_changes` is for triggers on statements. It has the rights of its owner, so a person who may edit a mirror table
 * needs no right on the state schema. Times in the log are in UTC, whatever the time zone of the session.
 */
export function changeLogFunctions(schema: string): readonly StateFunction[] {
  // It stands in a text for format(), which stands in quotes.
  const changes = inFormat(qualifiedName(schema, CHANGES));
  const row = 'environment_id, table_name, key, partition, operation, source_version';
  return [
    {
      name: LOG_FUNCTION,
      types: '',
      parameters: '',
      returns: 'trigger',
      language: 'plpgsql',
      settings: `SET timezone = 'UTC' SET extra_float_digits = 1`,
      body: `
DECLARE
  key_name text := TG_ARGV[2];
  partition_name text := TG_ARGV[3];
  version_name text := TG_ARGV[4];
  before text;
  after text;
  names text;
  differs text;
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
  IF TG_OP = 'INSERT' THEN
    EXECUTE format('INSERT INTO ${changes} (${row}, after)
      SELECT $1, $2, n.%I, %s, ''c'', %s, to_jsonb(a.*) FROM ${NEW_ROWS} n, LATERAL (SELECT %s) a WHERE true%s',
      key_name, format(partition_name, 'n'), format(version_name, 'n'), after, new_is_live)
      USING TG_ARGV[0]::integer, TG_ARGV[1];
  ELSIF TG_OP = 'DELETE' THEN
    EXECUTE format('INSERT INTO ${changes} (${row}, before)
      SELECT $1, $2, o.%I, %s, ''d'', %s, to_jsonb(b.*) FROM ${OLD_ROWS} o, LATERAL (SELECT %s) b WHERE true%s',
      key_name, format(partition_name, 'o'), format(version_name, 'o'), before, old_is_live)
      USING TG_ARGV[0]::integer, TG_ARGV[1];
  ELSE
    EXECUTE format('INSERT INTO ${changes} (${row}, columns, before, after)
      SELECT $1, $2, coalesce(n.%1$I, o.%1$I), coalesce(%2$s, %3$s), w.operation,
             CASE w.operation WHEN ''d'' THEN %4$s ELSE %5$s END,
             CASE w.operation WHEN ''u'' THEN array_remove(ARRAY[%6$s]::text[], NULL) END,
             CASE WHEN w.operation <> ''c'' THEN to_jsonb(b.*) END,
             CASE WHEN w.operation <> ''d'' THEN to_jsonb(a.*) END
        FROM ${OLD_ROWS} o FULL JOIN ${NEW_ROWS} n ON o.%1$I = n.%1$I%7$s
       CROSS JOIN LATERAL (SELECT CASE WHEN o.%1$I IS NOT NULL%8$s THEN CASE WHEN n.%1$I IS NOT NULL%9$s THEN ''u'' ELSE ''d'' END
                                       WHEN n.%1$I IS NOT NULL%9$s THEN ''c'' END AS operation) w
       CROSS JOIN LATERAL (SELECT %10$s) b
       CROSS JOIN LATERAL (SELECT %11$s) a
       WHERE w.operation <> ''u'' OR (w.operation = ''u'' AND (%12$s))',
      key_name, format(partition_name, 'n'), format(partition_name, 'o'), format(version_name, 'o'), format(version_name, 'n'),
      names, same_partition, old_is_live, new_is_live, before, after, differs)
      USING TG_ARGV[0]::integer, TG_ARGV[1];
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
export function inFormat(sql: string): string {
  return sql.replaceAll('%', '%%').replaceAll("'", "''");
}
