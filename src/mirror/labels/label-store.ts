import type pg from 'pg';
import type { TableLabels } from '../../model/option-labels.ts';
import { shortenIdentifier } from '../table/identifier.ts';
import { transaction } from '../connection/postgres.ts';
import { holdFence } from '../state/checkpoints.ts';
import { readLabelState, recordLabels, recordViews, type LabelState } from './label-state.ts';
import type { Lease } from '../lease/leases.ts';
import type { StateStore } from '../state/store.ts';
import type { EnvironmentRecord } from '../state/environments.ts';
import { isForNow, type ViewReport } from '../views/apply-views.ts';
import { createCompatibilityViews } from '../views/compatibility-views.ts';
import { refreshViews } from '../views/refresh-views.ts';
import { lostViews } from '../views/view-catalog.ts';
import { writeLabels } from './write-labels.ts';

/** Labels and views that are wanted beside the mirror tables. */
export interface LabelWishes {
  /** Language of the views; absent, the organization's base language. */
  readonly language?: number;
  /** Schema of the views with labels and names; absent, there are none. */
  readonly viewSchema?: string;
  /** Schema of the views in the form of Synapse Link; absent, there are none. */
  readonly synapseLink?: string;
  /** Schema of the views in the form of Fivetran; absent, there are none. */
  readonly fivetran?: string;
  /** The mirror tables are distributed over the nodes of a Citus cluster. */
  readonly isDistributed?: boolean;
}

/**
 * The wishes as the state records them. Other text makes views of all tables again, also where an earlier version
 * of mirrorverse made fewer views of the same wishes.
 */
export function wishesText(wishes: LabelWishes): string {
  const { fivetran, isDistributed: _, ...others } = wishes;
  return JSON.stringify(fivetran === undefined ? others : { ...others, fivetran, fivetranTables: true });
}

/** The schemas in which each mirror table has a view. */
export function tableViewSchemas({ viewSchema, fivetran }: LabelWishes): string[] {
  return [viewSchema, fivetran].filter((each) => each !== undefined);
}

/** The labels of one environment's tables, and the views that are made of them. */
export interface LabelStore {
  state(table: string): Promise<LabelState>;
  /** Stores a table's labels. It is a commit like any other, so it needs the lease. @throws Failure */
  write(labels: TableLabels, basis: string, lease: Lease): Promise<void>;
  /**
   * Makes the views of tables and of the tables whose lookups point at them, and the views in the form of
   * other tools. Where one of them cannot be made for now, all stay due.
   *
   * @throws Failure
   */
  refreshViews(tables: readonly string[]): Promise<ViewReport>;
}

/**
 * @param environment gives the current one, because another organization may take the place of the one
 *   before.
 */
export function createLabelStore(
  pool: pg.Pool,
  store: StateStore,
  schema: string,
  wishes: LabelWishes,
  environment: () => EnvironmentRecord,
): LabelStore {
  return {
    async state(table) {
      const state = await readLabelState(store, table);
      const schemas = tableViewSchemas(wishes);
      if (state.basis === null || state.viewsDue || schemas.length === 0) return state;
      const view = shortenIdentifier(table);
      const lost = await transaction(pool, async (client) => lostViews(client, schema, schemas, view));
      if (lost === 'all') return { basis: null, viewsDue: true };
      return { ...state, viewsDue: lost === 'one' };
    },
    async write(labels, basis, lease) {
      await transaction(pool, async (client) => {
        await holdFence(store, client, lease);
        await writeLabels(client, schema, labels, wishes.isDistributed);
        await recordLabels(store.on(client), lease, basis);
      });
    },
    async refreshViews(tables) {
      const { viewSchema, synapseLink, fivetran } = wishes;
      const { environmentId, schema: stateSchema } = store;
      const { organizationId, language } = environment();
      const languages = { preferred: wishes.language, base: language ?? undefined };
      const { isDistributed = false } = wishes;
      const place = { schema, stateSchema, environmentId, isDistributed };
      const compatible = await createCompatibilityViews(pool, {
        ...place,
        languages,
        organizationId,
        synapseLink,
        fivetran,
        tables,
      });
      const labeled =
        viewSchema === undefined
          ? { changed: [], left: [] }
          : await refreshViews(pool, { ...place, viewSchema, languages, tables });
      const left = [...labeled.left, ...compatible.left];
      if (!left.some(isForNow)) await recordViews(store, tables);
      return { ...labeled, changed: [...labeled.changed, ...compatible.changed], left };
    },
  };
}
