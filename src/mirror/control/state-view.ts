import { createHash } from 'node:crypto';
import type pg from 'pg';
import { inSavepoint } from '../connection/postgres.ts';
import { isPostgresError } from '../connection/sqlstate.ts';
import { qualifiedName, quoteLiteral } from '../table/identifier.ts';

/**
 * The row version that the environment had reached when it issued a delta link, as PostgreSQL's regular expression. No
 * document describes the token, so a link of another form gives null.
 */
const VERSION = '(?i)deltatoken=([0-9]{1,18})(?:!|%(?:25){0,3}21)';

/** SQL: the row version that the environment had reached when it issued a link; null where the link does not tell. */
export function linkVersion(link: string): string {
  return `substring(${link} FROM ${quoteLiteral(VERSION)})::bigint`;
}

/**
 * SQL: the row version up to which a table is complete. The row of state is `t`. Null while the table is loading, while
 * a delta has further pages, for a table without a delta link, and where the link does not tell.
 */
export const COMPLETE_THROUGH = `CASE WHEN t.phase = 'delta' AND t.link_kind = 'delta' AND t.selection IS NOT NULL
            THEN ${linkVersion('t.link')} END`;

/** A view that shows readers a part of the state. */
export interface StateView {
  readonly schema: string;
  readonly name: string;
  /** The comment on the view. It also tells a view of ours from a view of somebody else. */
  readonly purpose: string;
  /** The query. */
  readonly text: string;
  /** Everybody may read the view who may use its schema. */
  readonly isPublic?: boolean;
}

/**
 * Makes a view what this version needs, in the caller's transaction. A reader needs no right on the state: the view
 * reads with the rights of its owner.
 *
 * A migration that changes a column which a view reads has to drop the view first; this function makes it again.
 *
 * Nothing happens where the schema does not exist yet, where the role may not create in it, where something that
 * mirrorverse did not make has the name, or where PostgreSQL has no room. None of these stops a mirror. The next start
 * tries again.
 */
export async function ensureStateView(
  client: pg.ClientBase,
  { schema, name, purpose, text, isPublic = false }: StateView,
): Promise<void> {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const comment = `${purpose} (${digest})`;
  const { rows } = await client.query<{ comment: string | null; taken: boolean; owned: boolean | null }>(
    `SELECT obj_description(c.oid, 'pg_class') AS comment, c.oid IS NOT NULL AS taken,
            c.relkind = 'v' AND pg_has_role(c.relowner, 'USAGE') AS owned
       FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = $2
      WHERE n.nspname = $1 AND has_schema_privilege(n.oid, 'CREATE')`,
    [schema, name],
  );
  const [found] = rows;
  if (found === undefined || found.comment === comment) return;
  const isOurs = found.owned === true && found.comment?.startsWith(purpose) === true;
  if (found.taken && !isOurs) return;
  const view = qualifiedName(schema, name);
  // A view that reads with the reader's rights would show nothing. A barrier keeps a reader's function from being
  // called with rows that the view leaves out.
  const make = async (): Promise<void> => {
    await client.query(
      `CREATE OR REPLACE VIEW ${view} WITH (security_invoker = false, security_barrier = true) AS ${text};
       COMMENT ON VIEW ${view} IS ${quoteLiteral(comment)};
       ${isPublic ? `GRANT SELECT ON ${view} TO PUBLIC` : ''}`,
    );
  };
  await inSavepoint(client, make, isPostgresError);
}
