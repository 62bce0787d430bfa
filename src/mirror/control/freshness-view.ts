import { createHash } from 'node:crypto';
import type pg from 'pg';
import { UNCONFIRMED } from '../state/table-status.ts';
import { inSavepoint } from '../connection/postgres.ts';
import { isPostgresError } from '../connection/sqlstate.ts';
import { qualifiedName, quoteLiteral } from '../table/identifier.ts';

/** How fresh each mirror table is, for readers who may see nothing of the state. No Dataverse name begins with an underscore. */
const FRESHNESS = '_freshness';

const PURPOSE = 'How fresh the mirror tables are. mirrorverse made this view.';

/**
 * The row version that the environment had reached when it issued a delta link, as PostgreSQL's regular expression. No
 * document describes the token, so a link of another form gives null.
 */
const VERSION = '(?i)deltatoken=([0-9]{1,18})(?:!|%(?:25){0,3}21)';

/**
 * SQL of the view. It shows neither links nor errors. The phase is that of `status`; the rows of a load are null while
 * no load is under way.
 */
function definition(schema: string, stateSchema: string): string {
  const tables = qualifiedName(stateSchema, 'tables');
  const environments = qualifiedName(stateSchema, 'environments');
  return `SELECT t."table" AS table_name,
       CASE WHEN t.paused_at IS NOT NULL AND (t.paused_until > clock_timestamp()) IS NOT FALSE THEN 'paused'
            WHEN t.error_code IN (${[...UNCONFIRMED].map(quoteLiteral).join(', ')}) THEN 'attention'
            WHEN t.error_reaction = 'stop-table' THEN 'failed'
            WHEN t.pending IS NOT NULL OR t.unseen_rows IS NOT NULL THEN 'attention'
            ELSE t.phase END AS phase,
       t.last_success_at,
       CASE WHEN t.last_success_at IS NOT NULL
            THEN greatest(0, round(extract(epoch FROM clock_timestamp() - t.last_success_at)))::integer END AS lag_seconds,
       t.rows_loaded, t.rows_expected,
       CASE WHEN t.phase = 'delta' AND t.link_kind = 'delta' AND t.selection IS NOT NULL
            THEN substring(t.link FROM ${quoteLiteral(VERSION)})::bigint END AS complete_through_version,
       v.at AS verified_at, v.through_version AS verified_through_version
  FROM ${tables} t JOIN ${environments} e ON e.id = t.environment_id
  LEFT JOIN LATERAL (SELECT at, through_version FROM ${qualifiedName(stateSchema, 'verified')}
                      WHERE environment_id = t.environment_id AND "table" = t."table" ORDER BY at DESC LIMIT 1) v ON true
 WHERE e.mirror_schema = ${quoteLiteral(schema)}`;
}

/**
 * Makes the view in the mirror schema, in the caller's transaction, and lets everybody read it who may use the schema.
 * A reader needs no right on the state schema: a view reads with the rights of its owner.
 *
 * A migration that changes a column which the view reads has to drop the view first; this function makes it again.
 *
 * Nothing happens where the schema does not exist yet, where the role may not create in it, where something that
 * mirrorverse did not make has the name, or where PostgreSQL has no room. None of these stops a mirror. The next start
 * tries again.
 */
export async function ensureFreshnessView(
  client: pg.ClientBase,
  { schema, stateSchema }: { readonly schema: string; readonly stateSchema: string },
): Promise<void> {
  const text = definition(schema, stateSchema);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const comment = `${PURPOSE} (${digest})`;
  const { rows } = await client.query<{ comment: string | null; taken: boolean; owned: boolean | null }>(
    `SELECT obj_description(c.oid, 'pg_class') AS comment, c.oid IS NOT NULL AS taken,
            c.relkind = 'v' AND pg_has_role(c.relowner, 'USAGE') AS owned
       FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = $2
      WHERE n.nspname = $1 AND has_schema_privilege(n.oid, 'CREATE')`,
    [schema, FRESHNESS],
  );
  const [found] = rows;
  if (found === undefined || found.comment === comment) return;
  const isOurs = found.owned === true && found.comment?.startsWith(PURPOSE) === true;
  if (found.taken && !isOurs) return;
  const view = qualifiedName(schema, FRESHNESS);
  // A view that reads with the reader's rights would show nothing. A barrier keeps a reader's function from being
  // called with rows of another environment.
  const make = async (): Promise<void> => {
    await client.query(
      `CREATE OR REPLACE VIEW ${view} WITH (security_invoker = false, security_barrier = true) AS ${text};
       COMMENT ON VIEW ${view} IS ${quoteLiteral(comment)};
       GRANT SELECT ON ${view} TO PUBLIC`,
    );
  };
  await inSavepoint(client, make, isPostgresError);
}
