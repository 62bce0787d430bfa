import type { StateFunction } from '../control/state-functions.ts';
import { linkVersion } from '../control/state-view.ts';
import { differingValue } from '../feed/differing-values.ts';
import { NEW_ROWS, OLD_ROWS } from '../feed/own-triggers.ts';
import { qualifiedName } from '../table/identifier.ts';
import { DELETED_AT } from '../table/mirror-table.ts';
import { NOT_KEPT } from './history-names.ts';

/** The function that the triggers call. */
export const RECORD_FUNCTION = 'record_history';
/** The function that brings the history of a table in step with all rows of the mirror table. */
export const COMPARE_FUNCTION = 'compare_history';

/** The arguments of the statement. A percent sign in the name of a column must stay one. */
const PARTS = [
  'history::text',
  'same_row',
  'same_closed',
  'differs',
  'recorded',
  'names',
  'fields',
  'row_version',
]
  .map((text) => `replace(${text}, '%', '%%')`)
  .join(', ');

/** SQL: a text about one column; null where there is no such column. */
function part(text: string, column: string): string {
  return `max(format('${text}', a.attname)) FILTER (WHERE a.attname = ${column})`;
}

/** How SQL of a function names what it was called with. */
interface Called {
  readonly environment: string;
  readonly table: string;
  readonly key: string;
  readonly partition: string;
  readonly version: string;
  /** SQL that ends the function. */
  readonly leave: string;
}

const DECLARATIONS = `
  relation regclass;
  history regclass;
  names text;
  fields text;
  differs text;
  same_row text;
  same_closed text;
  recorded text;
  row_version text;
  marked text := 'false';
  statement text;
  through bigint;
  gone_at bigint;`;

/**
 * SQL of both functions: puts `statement` together, from the columns that mirror table and history have at this moment. A
 * column that has another type in the history is left out: the next preparation of the table mends that.
 *
 * The statement is a text for format(), which gets a source of rows `n` and the condition that `n` is gone. It closes
 * each open record that says something else, and opens a record for each row that has none then. What a deletion leaves
 * is an open record too. So every row that was ever recorded has exactly one open record.
 *
 * A record begins at the time of its transaction. It never begins before the record that it follows: the transaction of
 * that one may have begun later, or the clock was set back.
 *
 * A deletion has no version of its own. `through` is the version of the table's last delta link, and `gone_at` is the
 * version from which a deletion counts: the one after `through`. What a re-baseline finds to be gone counts from `through`
 * itself, because the link of the re-baseline already knows the deletion. A table without such a link, such as a
 * snapshot, takes the newest version that a link of the environment has. Without any, the deletion would count from the
 * version of the deleted row, and every version in which the row was there would lack the row.
 */
function statementOf(schema: string, called: Called): string {
  const andPart = (text: string): string => `coalesce(${part(text, called.partition)}, '')`;
  const ofMirror = 'a.attrelid = relation AND NOT a.attisdropped';
  const tables = qualifiedName(schema, 'tables');
  return `
  SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum),
         string_agg(format('n.%I', a.attname), ', ' ORDER BY a.attnum),
         string_agg(${differingValue('h', 'n')}, ' OR ' ORDER BY a.attnum),
         ${part('h.%1$I = n.%1$I', called.key)} || ${andPart(' AND h.%1$I IS NOT DISTINCT FROM n.%1$I')},
         ${part('c.key = n.%I', called.key)} || ${andPart(' AND c.partition IS NOT DISTINCT FROM n.%I')},
         ${part('h.%I AS key', called.key)} || ${andPart(', h.%I AS partition')},
         coalesce(${part('n.%I', called.version)}, 'NULL::bigint')
    INTO names, fields, differs, same_row, same_closed, recorded, row_version
    FROM pg_attribute a
    JOIN pg_attribute b ON b.attrelid = history AND b.attname = a.attname AND b.atttypid = a.atttypid AND NOT b.attisdropped
   WHERE ${ofMirror} AND a.attnum > 0 AND a.attname NOT IN (${NOT_KEPT});
  -- Somebody may have dropped a column of ours. The next run loads the table anew.
  IF same_row IS NULL THEN ${called.leave}; END IF;
  IF EXISTS (SELECT FROM pg_attribute a WHERE ${ofMirror} AND a.attname = '${DELETED_AT}') THEN
    marked := 'n.${DELETED_AT} IS NOT NULL';
  END IF;
  SELECT CASE t.link_kind WHEN 'delta' THEN ${linkVersion('t.link')} ELSE t.delta_version END,
         CASE t.phase WHEN 'rebaseline' THEN 0 ELSE 1 END INTO through, gone_at
    FROM ${tables} t WHERE t.environment_id = ${called.environment} AND t."table" = ${called.table};
  IF through IS NULL THEN
    gone_at := 1;
    SELECT max(${linkVersion('t.link')}) INTO through
      FROM ${tables} t WHERE t.environment_id = ${called.environment} AND NOT t.own_counter;
  END IF;
  gone_at := through + gone_at;
  statement := format('
    WITH closed AS (
      UPDATE %1$s h SET _valid_to = greatest(now(), h._valid_from) FROM %%1$s n
       WHERE %2$s AND h._valid_to IS NULL AND (h._deleted <> (%%2$s) OR (NOT h._deleted AND (%4$s)))
      RETURNING %5$s, h._valid_to AS at, h._deleted AS was_deleted)
    INSERT INTO %1$s (%6$s, _valid_from, _version, _deleted)
    SELECT %7$s, coalesce(c.at, now()),
           CASE WHEN %%2$s THEN greatest(%8$s, $2) WHEN c.was_deleted THEN greatest(%8$s, $1) ELSE %8$s END, %%2$s
      FROM %%1$s n
      LEFT JOIN closed c ON %3$s
      LEFT JOIN LATERAL (SELECT true AS is_there FROM %1$s h WHERE c.key IS NULL AND %2$s AND h._valid_to IS NULL LIMIT 1) o ON true
     WHERE o.is_there IS NULL',
    ${PARTS});`;
}

/**
 * The functions of the history.
 *
 * `record_history` is for triggers on statements. It has the rights of its owner, so a person who may edit a mirror table
 * needs no right on the history.
 */
export function historyFunctions(schema: string): readonly StateFunction[] {
  const ofTrigger = {
    environment: 'TG_ARGV[0]::integer',
    table: 'TG_ARGV[1]',
    key: 'TG_ARGV[2]',
    partition: 'TG_ARGV[3]',
    version: 'TG_ARGV[4]',
    leave: 'RETURN NULL',
  };
  const ofCall = {
    environment: 'compare_history.environment',
    table: 'compare_history.logical_name',
    key: 'compare_history.key_name',
    partition: 'compare_history.partition_name',
    version: 'compare_history.version_name',
    leave: 'RETURN',
  };
  return [
    {
      name: RECORD_FUNCTION,
      types: '',
      parameters: '',
      returns: 'trigger',
      language: 'plpgsql',
      // A statement with an expression for each column takes longer to compile than to run.
      settings: 'SET jit = off',
      body: `
DECLARE
  is_empty boolean;
  has_moved boolean;
  moved text;
  changed text := CASE TG_OP WHEN 'DELETE' THEN '${OLD_ROWS}' ELSE '${NEW_ROWS}' END;${DECLARATIONS}
BEGIN
  EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', changed) INTO is_empty;
  IF is_empty THEN RETURN NULL; END IF;
  relation := TG_RELID;
  history := to_regclass(format('%I.%I', TG_ARGV[5], TG_TABLE_NAME));
  -- Somebody may have dropped it. The next preparation makes it anew, from the rows that are there then.
  IF history IS NULL THEN RETURN NULL; END IF;
${statementOf(schema, ofTrigger)}
  IF TG_OP = 'UPDATE' THEN
    moved := format('(SELECT h.* FROM ${OLD_ROWS} h WHERE NOT EXISTS (SELECT FROM ${NEW_ROWS} n WHERE %s))', same_row);
    EXECUTE format('SELECT EXISTS %s', moved) INTO has_moved;
    -- Somebody may have given a row another key.
    IF has_moved THEN EXECUTE format(statement, moved, 'true') USING through, gone_at; END IF;
  END IF;
  EXECUTE format(statement, changed, CASE TG_OP WHEN 'DELETE' THEN 'true' ELSE marked END) USING through, gone_at;
  RETURN NULL;
END
`,
    },
    {
      name: COMPARE_FUNCTION,
      types: 'regclass, regclass, integer, text, text, text, text',
      parameters:
        'mirror regclass, records regclass, environment integer, logical_name text, key_name text, partition_name text, version_name text',
      returns: 'void',
      language: 'plpgsql',
      // A statement with an expression for each column takes longer to compile than to run.
      settings: 'SET jit = off',
      body: `
DECLARE${DECLARATIONS}
  is_empty boolean;
BEGIN
  relation := compare_history.mirror;
  history := compare_history.records;
${statementOf(schema, ofCall)}
  EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', history) INTO is_empty;
  -- There is nothing to compare with, and this takes a third of the time.
  IF is_empty THEN
    EXECUTE format('INSERT INTO %s (%s, _valid_from, _version, _deleted) SELECT %s, now(), %s, %s FROM %s n',
                   history, names, fields, row_version, marked, relation);
    RETURN;
  END IF;
  EXECUTE format(statement, relation, marked) USING through, gone_at;
  EXECUTE format(statement, format('(SELECT h.* FROM %s h WHERE h._valid_to IS NULL AND NOT h._deleted AND NOT EXISTS (SELECT FROM %s n WHERE %s))', history, relation, same_row), 'true')
    USING through, gone_at;
END
`,
    },
  ];
}
