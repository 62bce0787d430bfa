import { qualifiedName } from '../table/identifier.ts';
import type { StateFunction } from './state-functions.ts';

/** The SQLSTATEs that the functions raise. No SQLSTATE of PostgreSQL begins with M. */
export const CONTROL_STATES = {
  /** No environment has state of such a table. */
  unknownTable: 'MV001',
  /** Several environments with this state have a table of that name. */
  ambiguousTable: 'MV002',
  /** The pause would be over at once. */
  pastEnd: 'MV003',
  /** The transaction of the caller would never see a newer read point. */
  frozenSnapshot: 'MV004',
} as const;

/** The channel that each act is told on; the payload is the command and the table. */
const CHANNEL = 'mirrorverse_commands';
/** The setting of a transaction that says how a person asked: `cli` or `http`. Without it, by SQL. */
export const ASKED_VIA = 'mirrorverse.asked_via';
/** Days that a delta link lives where the environment does not tell. */
export const USUAL_LIFE = 7;
/** The share of the life of a delta link after which a pause ends by itself. */
const SAFE_SHARE = 0.8;

/** The functions that the role for operators may call, each with the types of its arguments. */
export const OPERATOR_FUNCTIONS = [
  'pause(text, timestamptz, text)',
  'resume(text)',
  'resync(text)',
  'verify(text)',
] as const;

/**
 * SQL: when a pause without an end ends by itself. The row of state is `tables`.
 *
 * A table that follows a delta link would lose it, so its pause ends when most of the life of the link has passed. The
 * pages of a delta under way lead back to the same link. Null for a table that has no delta link.
 *
 * @param link SQL for a link that is not stored yet; absent, the row's own.
 */
export function safeEnd(
  stateSchema: string,
  link = {
    following: `(tables.phase = 'delta' OR tables.catching_up) AND tables.link IS NOT NULL`,
    issuedAt: 'tables.link_issued_at',
  },
): string {
  const life = `(SELECT coalesce(e.link_life_days, ${USUAL_LIFE}) FROM ${qualifiedName(stateSchema, 'environments')} e WHERE e.id = tables.environment_id)`;
  return `CASE WHEN ${link.following} THEN ${link.issuedAt} + ${SAFE_SHARE} * ${life} * interval '1 day' END`;
}

/**
 * The functions by which a person controls a table. Command line and HTTP call the same ones.
 *
 * Each act is one transaction: it writes the row of the table, puts the act on record, and tells the channel. Several
 * environments may have their state in one schema. A name without a schema then must mean one table; the name of the
 * mirror schema before it, as in `dataverse.account`, says which. Names of Dataverse tables have no dot.
 */
export function controlFunctions(schema: string): readonly StateFunction[] {
  const state = (name: string): string => qualifiedName(schema, name);
  const { unknownTable, ambiguousTable, pastEnd } = CONTROL_STATES;
  const act = state('act_on_table');
  return [
    {
      name: 'act_on_table',
      types: 'text, text, timestamptz, text',
      parameters: 'command text, table_name text, until timestamptz, reason text',
      returns: 'timestamptz',
      language: 'plpgsql',
      body: `
DECLARE
  bare text := substring(act_on_table.table_name from '[^.]*$');
  mirror text := substring(act_on_table.table_name from '^(.*)[.][^.]*$');
  places text[];
  environment integer;
  ends timestamptz := act_on_table.until;
BEGIN
  SELECT array_agg(e.mirror_schema ORDER BY e.id), min(e.id) INTO places, environment
    FROM ${state('tables')} t JOIN ${state('environments')} e ON e.id = t.environment_id
   WHERE t."table" = bare AND (mirror IS NULL OR e.mirror_schema = mirror);
  IF places IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '${unknownTable}',
      MESSAGE = format('No table %s is mirrored here.', act_on_table.table_name),
      HINT = 'The command mirrorverse status lists the tables.';
  END IF;
  IF cardinality(places) > 1 THEN
    RAISE EXCEPTION USING ERRCODE = '${ambiguousTable}',
      MESSAGE = format('Several environments have a table %s.', bare),
      HINT = format('Name the table with its mirror schema: %s.',
        (SELECT string_agg(p || '.' || bare, ' or ') FROM unnest(places) AS p));
  END IF;
  IF act_on_table.command = 'pause' THEN
    IF ends IS NULL THEN
      SELECT ${safeEnd(schema)} INTO ends FROM ${state('tables')}
       WHERE tables.environment_id = environment AND tables."table" = bare FOR NO KEY UPDATE;
    END IF;
    IF ends <= clock_timestamp() OR NOT isfinite(ends) THEN
      RAISE EXCEPTION USING ERRCODE = '${pastEnd}',
        MESSAGE = CASE WHEN act_on_table.until IS NULL
          THEN format('The delta link of table %s has lived most of its life, so a pause would be over at once.', bare)
          ELSE format('The pause of table %s needs an end in the future.', bare) END,
        HINT = CASE WHEN act_on_table.until IS NULL
          THEN 'Say until when the pause goes on. A pause that is longer than the life of the link costs a load of the whole table.'
          ELSE 'Name a later time. Without one, the pause ends before the delta link of the table expires.' END;
    END IF;
    UPDATE ${state('tables')} t
       SET paused_at = CASE WHEN t.paused_at IS NULL OR t.paused_until <= clock_timestamp() THEN clock_timestamp() ELSE t.paused_at END,
           paused_until = ends, paused_reason = act_on_table.reason
     WHERE t.environment_id = environment AND t."table" = bare;
  ELSIF act_on_table.command = 'resume' THEN
    UPDATE ${state('tables')} t SET paused_at = NULL, paused_until = NULL, paused_reason = NULL
     WHERE t.environment_id = environment AND t."table" = bare;
  ELSIF act_on_table.command = 'verify' THEN
    UPDATE ${state('tables')} t SET verify_asked_at = clock_timestamp()
     WHERE t.environment_id = environment AND t."table" = bare;
  ELSE
    UPDATE ${state('tables')} t SET resync_asked_at = clock_timestamp()
     WHERE t.environment_id = environment AND t."table" = bare;
  END IF;
  INSERT INTO ${state('commands')} (environment_id, "table", command, until, reason, asked_by, asked_via)
  VALUES (environment, bare, act_on_table.command, ends, act_on_table.reason, session_user,
          CASE WHEN current_setting('${ASKED_VIA}', true) IN ('cli', 'http') THEN current_setting('${ASKED_VIA}', true) ELSE 'sql' END);
  PERFORM pg_notify('${CHANNEL}', act_on_table.command || ' ' || bare);
  RETURN ends;
END
`,
    },
    {
      name: 'pause',
      types: 'text, timestamptz, text',
      parameters: 'table_name text, until timestamptz DEFAULT NULL, reason text DEFAULT NULL',
      returns: 'timestamptz',
      language: 'sql',
      body: `SELECT ${act}('pause', $1, $2, $3)`,
    },
    {
      name: 'resume',
      types: 'text',
      parameters: 'table_name text',
      returns: 'void',
      language: 'sql',
      body: `SELECT ${act}('resume', $1, NULL, NULL)`,
    },
    {
      name: 'resync',
      types: 'text',
      parameters: 'table_name text',
      returns: 'void',
      language: 'sql',
      body: `SELECT ${act}('resync', $1, NULL, NULL)`,
    },
    {
      name: 'verify',
      types: 'text',
      parameters: 'table_name text',
      returns: 'void',
      language: 'sql',
      body: `SELECT ${act}('verify', $1, NULL, NULL)`,
    },
  ];
}
