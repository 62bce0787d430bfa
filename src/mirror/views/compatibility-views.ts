import type pg from 'pg';
import { transaction } from '../connection/postgres.ts';
import { applyViews, lockViews, type ViewReport } from './apply-views.ts';
import { fivetranViews } from './fivetran-views.ts';
import { createLabelTables, type LabelLanguages } from '../labels/label-tables.ts';
import { synapseLinkViews } from './synapse-link-views.ts';

export interface CompatibilityOptions {
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly languages: LabelLanguages;
  readonly organizationId: string;
  /** Schema of the views in the form of Synapse Link and Data Export Service; undefined, there are none. */
  readonly synapseLink: string | undefined;
  /** Schema of the views in the form of Fivetran; undefined, there are none. */
  readonly fivetran: string | undefined;
}

/**
 * Makes the views in the form of other tools, in a transaction of its own. They read the label tables, so
 * they are always up to date; once they exist, this changes nothing.
 *
 * @throws Failure when the database cannot be asked; what happened to each view is in the report.
 */
export async function createCompatibilityViews(
  pool: pg.Pool,
  { schema, languages, organizationId, synapseLink, fivetran }: CompatibilityOptions,
): Promise<ViewReport> {
  if (synapseLink === undefined && fivetran === undefined) return { changed: [], left: [] };
  return transaction(pool, async (client) => {
    await lockViews(client);
    await createLabelTables(client, schema);
    const reports: ViewReport[] = [];
    if (synapseLink !== undefined) {
      const views = synapseLinkViews(schema, synapseLink);
      reports.push(await applyViews(client, schema, synapseLink, views));
    }
    if (fivetran !== undefined) {
      const views = fivetranViews({ schema, viewSchema: fivetran, languages, organizationId });
      reports.push(await applyViews(client, schema, fivetran, views));
    }
    return {
      changed: reports.flatMap(({ changed }) => changed),
      left: reports.flatMap(({ left }) => left),
    };
  });
}
