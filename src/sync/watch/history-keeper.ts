import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import { toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import type { RunningTables } from '../schedule/running-tables.ts';

/** Milliseconds between two looks. */
const BETWEEN_LOOKS = 3_600_000;

/** Deletes records of histories that have ended for longer than their table keeps them, until aborted. */
export async function keepHistories(
  mirror: Pick<Mirror, 'expireHistory'>,
  tables: Pick<RunningTables, 'settings'>,
  logger: Logger,
  signal: AbortSignal,
  betweenLooks = BETWEEN_LOOKS,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(betweenLooks, signal).catch(() => undefined);
    for (const { name, history } of tables.settings()) {
      if (signal.aborted) return;
      if (history?.keep === undefined) continue;
      try {
        await mirror.expireHistory(name, history.keep, signal);
      } catch (error) {
        if (signal.aborted) return;
        const { code } = toFailure(error);
        logger.warn(
          { table: name, code },
          `Old records of the history of ${name} could not be deleted. They are tried again in an hour.`,
        );
      }
    }
  }
}
