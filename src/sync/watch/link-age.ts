import type { Logger } from 'pino';
import { agedLinks } from '../../mirror/environment/link-ages.ts';
import type { StateStore } from '../../mirror/state/store.ts';

/**
 * Warns of tables that have used up half of their delta link's life: each poll renews it, so they are
 * not polled as often as it takes, or fail. One that expires costs a load of the whole table.
 *
 * @param lifeDays how long the environment keeps deletions; null where it does not tell, and then
 *   nothing is concluded.
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
      remedy: `Look at \`mirrorverse status\`, and give the tables a schedule that leaves ${lifeDays / 2} days at most between two ticks.`,
    },
    `${which} older than half of the ${lifeDays} day(s) it lives; once expired, the table is loaded anew.`,
  );
}
