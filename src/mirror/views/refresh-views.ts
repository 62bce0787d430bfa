import type pg from 'pg';
import { qualifiedName } from '../table/identifier.ts';
import { transaction } from '../connection/postgres.ts';
import { applyViews, lockViews, type ViewReport } from './apply-views.ts';
import { createLabelTables, LABEL_TABLES, type LabelLanguages } from '../labels/label-tables.ts';
import { labeledView } from './labeled-view.ts';
import { describeMirror, type MirrorPlace } from '../labels/mirror-description.ts';

export interface RefreshOptions extends MirrorPlace {
  /** Schema of the views. */
  readonly viewSchema: string;
  readonly languages: LabelLanguages;
  /** Logical names of tables that are new, have changed, or have other labels. */
  readonly tables: readonly string[];
  /** The mirror tables are distributed, so the tables of labels are on each node. */
  readonly isDistributed?: boolean;
}

/**
 * Makes the views with labels and names of some tables, and of tables whose lookups point at them, from the
 * database alone, in a transaction of its own. Views that are right are not touched. A table without a mirror
 * table or stored labels has no view yet.
 *
 * @throws Failure when the database cannot be asked; what happened to each view is in the report.
 */
export async function refreshViews(pool: pg.Pool, options: RefreshOptions): Promise<ViewReport> {
  const { schema, viewSchema, tables } = options;
  return transaction(pool, async (client) => {
    await lockViews(client);
    await createLabelTables(client, schema, options.isDistributed);
    const names = await tablesPointingAt(client, schema, tables);
    const wanted = await describeMirror(client, options, names);
    const targets = new Set(
      [...wanted.values()].flatMap(({ columns }) =>
        columns.flatMap((column) => column.targets.map(({ table }) => table)),
      ),
    );
    const others = [...targets].filter((target) => !wanted.has(target));
    const known = new Map([...wanted, ...(await describeMirror(client, options, others))]);
    const views = [...wanted.values()]
      .filter(({ labeled }) => labeled)
      .map((table) => labeledView(table, known, options));
    const report = await applyViews(
      client,
      schema,
      viewSchema,
      views.map(({ view }) => view),
    );
    const shortened = views.flatMap(({ view, leftOut }) =>
      leftOut.length === 0 ? [] : [{ view: `${viewSchema}.${view.name}`, leftOut }],
    );
    return shortened.length === 0 ? report : { ...report, shortened };
  });
}

/** The tables, and those whose lookups may point at them, in the same order for every process. */
async function tablesPointingAt(
  client: pg.ClientBase,
  schema: string,
  tables: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT unnest($1::text[]) AS name
      UNION SELECT table_name FROM ${qualifiedName(schema, LABEL_TABLES.lookupTargets.name)} WHERE target_table = ANY ($1)
      ORDER BY 1`,
    [tables],
  );
  return rows.map(({ name }) => name);
}
