import type pg from 'pg';
import { qualifiedName } from '../table/identifier.ts';
import { CONTROL_STATES, USUAL_LIFE } from './control-functions.ts';
import type { StateFunction } from './state-functions.ts';
import { COMPLETE_THROUGH, ensureStateView } from './state-view.ts';

/** The view's name in the state schema. */
export const READ_POINT = 'read_point';
/** The functions that readers may call, each with the types of its arguments. */
export const READER_FUNCTIONS = [
  'await_version(bigint, interval)',
  'await_version_of(text, bigint, interval)',
] as const;

const PURPOSE = 'The row version up to which all mirrored tables of an environment are complete.';
/** Seconds between two looks of a waiting function. A look reads some kilobytes of the state. */
const LOOK_EVERY = 0.1;

/**
 * SQL of the view: one row for each environment.
 *
 * All tables of an organization get their row versions from one counter, so the lowest version in the stored delta links
 * is a cut through all of them. Three kinds of tables have no part in the version:
 *
 * - A table that has no version now is behind: it is loading, was never loaded, is in the middle of a delta, has no delta
 *   link, or has a link that does not tell. The version holds for the other tables.
 * - A table with a counter of its own is excluded. Its versions cannot be compared with those of the others.
 * - A table that no process mirrors any more is not mentioned, because it would hold the version back for ever. A
 *   process has noticed that its configuration leaves the table out, or the table had no run while other tables had runs
 *   for as long as a delta link lives. A paused table waits for its person, so it counts.
 */
function definition(stateSchema: string): string {
  const state = (name: string): string => qualifiedName(stateSchema, name);
  return `SELECT p.version, p.issued_at, p.behind_tables, p.excluded_tables, e.mirror_schema
  FROM ${state('environments')} e
 CROSS JOIN LATERAL (
       SELECT min(m.version) AS version, min(m.issued_at) FILTER (WHERE m.version IS NOT NULL) AS issued_at,
              ${named('m.version IS NULL AND NOT m.own_counter')} AS behind_tables,
              ${named('m.own_counter')} AS excluded_tables
         FROM (SELECT t."table", t.own_counter, t.link_issued_at AS issued_at,
                      CASE WHEN NOT t.own_counter THEN ${COMPLETE_THROUGH} END AS version
                 FROM (SELECT s.*, max(s.last_attempt_at) OVER () AS newest_attempt_at
                         FROM ${state('tables')} s WHERE s.environment_id = e.id) t
                WHERE (t.left_at >= coalesce(t.last_attempt_at, t.left_at)) IS NOT TRUE
                  AND ((t.last_attempt_at < t.newest_attempt_at - make_interval(days => coalesce(e.link_life_days, ${USUAL_LIFE}))) IS NOT TRUE
                       OR (t.paused_at IS NOT NULL AND (t.paused_until > clock_timestamp()) IS NOT FALSE))) m) p`;
}

function named(which: string): string {
  return `coalesce(array_agg(m."table" ORDER BY m."table") FILTER (WHERE ${which}), '{}')`;
}

/** Makes the view in the state schema, in the caller's transaction. */
export async function ensureReadPoint(client: pg.ClientBase, stateSchema: string): Promise<void> {
  const text = definition(stateSchema);
  await ensureStateView(client, { schema: stateSchema, name: READ_POINT, purpose: PURPOSE, text });
}

/**
 * The functions that wait for the read point. Each look is a statement of its own, so that it sees what was committed
 * meanwhile. A transaction with one snapshot for all statements would never see more than at its first look, so it gets
 * an error instead of a wait in vain.
 */
export function readPointFunctions(stateSchema: string): readonly StateFunction[] {
  const state = (name: string): string => qualifiedName(stateSchema, name);
  const { unknownTable, ambiguousTable, frozenSnapshot } = CONTROL_STATES;
  return [
    {
      name: 'await_version_of',
      types: 'text, bigint, interval',
      parameters: 'mirror_schema text, version bigint, timeout interval',
      returns: 'boolean',
      language: 'plpgsql',
      body: `
DECLARE
  places text[];
  ends timestamptz := clock_timestamp() + coalesce(await_version_of.timeout, interval '0');
  reached boolean;
  rest double precision;
BEGIN
  IF await_version_of.version IS NULL THEN RETURN NULL; END IF;
  LOOP
    SELECT array_agg(p.mirror_schema), bool_and(p.version >= await_version_of.version AND p.behind_tables = '{}')
      INTO places, reached FROM ${state(READ_POINT)} p
     WHERE await_version_of.mirror_schema IS NULL OR p.mirror_schema = await_version_of.mirror_schema;
    IF cardinality(places) > 1 THEN
      RAISE EXCEPTION USING ERRCODE = '${ambiguousTable}',
        MESSAGE = 'Several environments are mirrored here, and each counts its own row versions.',
        HINT = format('Call await_version_of with the mirror schema: %s.', array_to_string(places, ' or '));
    END IF;
    IF places IS NULL AND await_version_of.mirror_schema IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = '${unknownTable}',
        MESSAGE = format('No environment is mirrored into schema %s.', await_version_of.mirror_schema),
        HINT = 'The view read_point names the mirror schemas.';
    END IF;
    IF reached THEN RETURN true; END IF;
    rest := extract(epoch FROM ends - clock_timestamp());
    IF rest <= 0 THEN RETURN false; END IF;
    IF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
      RAISE EXCEPTION USING ERRCODE = '${frozenSnapshot}',
        MESSAGE = format('A transaction of isolation level %s would never see a newer read point.', current_setting('transaction_isolation')),
        HINT = 'Wait in a transaction of its own, with READ COMMITTED, before the transaction that reads.';
    END IF;
    PERFORM pg_sleep(least(${LOOK_EVERY}, rest));
  END LOOP;
END
`,
    },
    {
      name: 'await_version',
      types: 'bigint, interval',
      parameters: 'version bigint, timeout interval',
      returns: 'boolean',
      language: 'sql',
      body: `SELECT ${state('await_version_of')}(NULL, $1, $2)`,
    },
  ];
}
