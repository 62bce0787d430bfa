import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import { toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';

/** Milliseconds between two looks. Partitions are made days ahead, so a look that fails does no harm. */
const BETWEEN_LOOKS = 3_600_000;

/** Keeps the partitions of the change log until aborted. The opening of the mirror has looked already. */
export async function keepChangeLog(
  mirror: Pick<Mirror, 'keepPartitions'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(BETWEEN_LOOKS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await mirror.keepPartitions(signal);
    } catch (error) {
      if (signal.aborted) return;
      const { code } = toFailure(error);
      logger.warn(
        { code },
        'The partitions of the change log could not be kept. They are tried again in an hour.',
      );
    }
  }
}
