import type { Logger } from 'pino';
import { agedLinks } from '../../mirror/state/known-tables.ts';
import type { StateStore } from '../../mirror/state/store.ts';

/**
 * Warns about tables whose delta link has used up half of its life. Each poll renews the link, so these tables are
 * polled too seldom, or their runs fail. An expired link costs a load of the whole table.
 *
 * @param lifeDays how long the environment keeps deletions; null if it does not tell, and then there is no warning.
 */
export async function tellAgeingLinks(
  store: StateStore,
  lifeDays: number | null,
  tables: readonly string[],
  logger: Logger,
): Promise<void> {
  if (lifeDays === null || lifeDays <= 0) return;
  const aged = await agedLinks(store, tables, lifeDays / 2);
  const [oldest] = aged;
  if (oldest === undefined) return;
  const which = aged.length === 1 ? `The delta link of ${oldest.table} is` : `${aged.length} delta links are`;
  logger.warn(
    {
      code: 'link-ageing',
      tables: aged.map(({ table }) => table),
      ageDays: Math.round(oldest.age * 10) / 10,
      lifeDays,
      remedy: `Look at \`mirrorverse status\`, and give the tables a schedule with at most ${lifeDays / 2} days between two ticks.`,
    },
    `${which} older than half of the ${lifeDays} days that a delta link lives. If a link expires, its table is loaded anew.`,
  );
}
