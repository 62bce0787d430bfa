import type pg from 'pg';
import { listQuarantined, type QuarantineEntry } from '../mirror/quarantine/quarantined-rows.ts';
import { postgresFailure } from '../mirror/connection/sqlstate.ts';
import { readEnvironmentRecord } from '../mirror/environment/environments.ts';
import { openStateStore } from '../mirror/state/store.ts';

/** An entry of the document of `quarantine --json`. Members may be added; these stay. */
export interface QuarantineListEntry {
  readonly table: string;
  /** The id of the row; in a partition, a comma and the partition follow. */
  readonly key: string;
  /** As text, because a JavaScript number would round it. */
  readonly version: string | null;
  readonly reason: string;
  readonly sqlstate: string | null;
  readonly time: string;
}

/** The document of `quarantine --json`: rows in quarantine, and dismissed rows. */
export interface QuarantineList {
  readonly rows: readonly QuarantineListEntry[];
  readonly dismissed: readonly (QuarantineListEntry & { readonly dismissedAt: string })[];
}

/** Reads every row in quarantine from the database alone; there is none before the first run. @throws Failure */
export async function readQuarantine(
  pool: pg.Pool,
  options: { readonly schema: string; readonly stateSchema: string },
): Promise<QuarantineList> {
  const { schema, stateSchema } = options;
  const environment = await readEnvironmentRecord(pool, stateSchema, schema);
  if (environment === undefined) return { rows: [], dismissed: [] };
  try {
    const entries = await listQuarantined(openStateStore(pool, stateSchema, environment.id));
    return {
      rows: entries.flatMap((entry) => (entry.dismissedAt === null ? [listed(entry)] : [])),
      dismissed: entries.flatMap((entry) => {
        const { dismissedAt } = entry;
        return dismissedAt === null ? [] : [{ ...listed(entry), dismissedAt: dismissedAt.toISOString() }];
      }),
    };
  } catch (error) {
    throw postgresFailure(error);
  }
}

function listed({ table, key, version, reason, sqlstate, time }: QuarantineEntry): QuarantineListEntry {
  return { table, key, version: version?.toString() ?? null, reason, sqlstate, time: time.toISOString() };
}
