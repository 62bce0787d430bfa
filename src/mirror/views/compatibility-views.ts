import type pg from 'pg';
import { transaction } from '../connection/postgres.ts';
import { applyViews, lockViews, type ViewReport } from './apply-views.ts';
import { fivetranTableViews, stringmapView } from './fivetran-views.ts';
import { createLabelTables, type LabelLanguages } from '../labels/label-tables.ts';
import { describeMirror, type MirrorPlace } from '../labels/mirror-description.ts';
import { synapseLinkViews } from './synapse-link-views.ts';

export interface CompatibilityOptions extends MirrorPlace {
  readonly languages: LabelLanguages;
  readonly organizationId: string;
  /** Schema of the views in the form of Synapse Link and Data Export Service; undefined, there are none. */
  readonly synapseLink: string | undefined;
  /** Schema of the views in the form of Fivetran; undefined, there are none. */
  readonly fivetran: string | undefined;
  /** Logical names of tables that are new or have changed. */
  readonly tables: readonly string[];
  /** The mirror tables are distributed, so the tables of labels are on each node. */
  readonly isDistributed?: boolean;
}

/**
 * Makes the views in the form of other tools, in a transaction of its own. Views of labels read the label tables,
 * so they are always up to date. The views of mirror tables follow the columns of the given tables.
 *
 * @throws Failure when the database cannot be asked; what happened to each view is in the report.
 */
export async function createCompatibilityViews(
  pool: pg.Pool,
  options: CompatibilityOptions,
): Promise<ViewReport> {
  const { schema, languages, organizationId, synapseLink, fivetran, tables } = options;
  if (synapseLink === undefined && fivetran === undefined) return { changed: [], left: [] };
  return transaction(pool, async (client) => {
    await lockViews(client);
    await createLabelTables(client, schema, options.isDistributed);
    const reports: ViewReport[] = [];
    if (synapseLink !== undefined) {
      const views = synapseLinkViews(schema, synapseLink);
      reports.push(await applyViews(client, schema, synapseLink, views));
    }
    if (fivetran !== undefined) {
      const place = { schema, viewSchema: fivetran };
      // Beside the mirror tables there is no room for views of the same names.
      const shows = fivetran !== schema && tables.length > 0;
      const described = shows ? (await describeMirror(client, options, tables)).values() : [];
      const views = [
        stringmapView({ ...place, languages, organizationId }),
        ...fivetranTableViews(described, place),
      ];
      reports.push(await applyViews(client, schema, fivetran, views));
    }
    return {
      changed: reports.flatMap(({ changed }) => changed),
      left: reports.flatMap(({ left }) => left),
    };
  });
}
