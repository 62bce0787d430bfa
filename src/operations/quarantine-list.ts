import type { MirrorDatabase } from '../mirror/database.ts';
import { listQuarantined, type QuarantineEntry } from '../mirror/quarantine/quarantined-rows.ts';
import { findState } from '../mirror/state/environments.ts';

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
export async function readQuarantine(database: MirrorDatabase): Promise<QuarantineList> {
  const state = await findState(database);
  if (state === undefined) return { rows: [], dismissed: [] };
  const entries = await listQuarantined(state.store);
  return {
    rows: entries.flatMap((entry) => (entry.dismissedAt === null ? [listed(entry)] : [])),
    dismissed: entries.flatMap((entry) => {
      const { dismissedAt } = entry;
      return dismissedAt === null ? [] : [{ ...listed(entry), dismissedAt: dismissedAt.toISOString() }];
    }),
  };
}

function listed({ table, key, version, reason, sqlstate, time }: QuarantineEntry): QuarantineListEntry {
  return { table, key, version: version?.toString() ?? null, reason, sqlstate, time: time.toISOString() };
}
