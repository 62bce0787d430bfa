import type pg from 'pg';
import { UNCONFIRMED } from '../state/table-status.ts';
import { qualifiedName, quoteLiteral } from '../table/identifier.ts';
import { COMPLETE_THROUGH, ensureStateView } from './state-view.ts';

/** How fresh each mirror table is, for readers who may see nothing of the state. No Dataverse name begins with an underscore. */
const FRESHNESS = '_freshness';

const PURPOSE = 'How fresh the mirror tables are. mirrorverse made this view.';

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
       ${COMPLETE_THROUGH} AS complete_through_version,
       v.at AS verified_at, v.through_version AS verified_through_version
  FROM ${tables} t JOIN ${environments} e ON e.id = t.environment_id
  LEFT JOIN LATERAL (SELECT at, through_version FROM ${qualifiedName(stateSchema, 'verified')}
                      WHERE environment_id = t.environment_id AND "table" = t."table" ORDER BY at DESC LIMIT 1) v ON true
 WHERE e.mirror_schema = ${quoteLiteral(schema)}`;
}

/**
 * Makes the view in the mirror schema, in the caller's transaction, and lets everybody read it who may use the schema.
 * A reader needs no right on the state schema.
 */
export async function ensureFreshnessView(
  client: pg.ClientBase,
  { schema, stateSchema }: { readonly schema: string; readonly stateSchema: string },
): Promise<void> {
  const text = definition(schema, stateSchema);
  await ensureStateView(client, { schema, name: FRESHNESS, purpose: PURPOSE, text, isPublic: true });
}
