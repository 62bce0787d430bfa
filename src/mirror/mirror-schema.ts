import type pg from 'pg';
import { planTable, type ExistingTable } from './ddl-plan.ts';
import type { MirrorTable } from './mirror-table.ts';
import { createSchema } from './state/migrate.ts';
import { writeCatalog } from './state/catalog.ts';
import type { StateStore } from './state/store.ts';

export interface Prepared {
  /** The mirror table was not there: whatever a checkpoint says, its rows are gone. */
  readonly created: boolean;
  /** Columns it gained, whose values existing rows lack. */
  readonly added: number;
  readonly hasRows: boolean;
}

/** Milliseconds an ALTER may wait for its lock; readers queue behind it meanwhile. */
const LOCK_TIMEOUT = 3_000;

/**
 * Makes the mirror table as the source describes it, and the catalog with it, inside the caller's
 * transaction.
 */
export async function prepareMirrorTable(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
): Promise<Prepared> {
  const existing = await readExisting(client, mirror);
  const plan = planTable(mirror, existing);
  if (plan.statements.length > 0) {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT}`);
    if (existing === undefined) await createSchema(client, mirror.schema);
    for (const statement of plan.statements) await client.query(statement);
    await client.query('SET LOCAL lock_timeout = DEFAULT');
  }
  await writeCatalog(store, store.on(client), mirror.table.logicalName, mirror.columns);
  const { rowCount } = await client.query(`SELECT FROM ${mirror.qualified} LIMIT 1`);
  return { created: existing === undefined, added: plan.added.length, hasRows: (rowCount ?? 0) > 0 };
}

/** The mirror table as it stands, or undefined when there is none. */
export async function readExisting(
  client: pg.ClientBase,
  mirror: MirrorTable,
): Promise<ExistingTable | undefined> {
  const { rows } = await client.query<{
    comment: string | null;
    name: string;
    type: string;
    column_comment: string | null;
  }>(
    `SELECT obj_description(c.oid, 'pg_class') AS comment, a.attname AS name,
            format_type(a.atttypid, a.atttypmod) AS type, col_description(c.oid, a.attnum) AS column_comment
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`,
    [mirror.schema, mirror.identifier],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    comment: first.comment,
    columns: new Map(rows.map((row) => [row.name, { type: row.type, comment: row.column_comment }])),
  };
}
