import { Failure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';

/** Milliseconds before each further attempt: about a minute in all, which a restart of PostgreSQL takes. */
const DELAYS: readonly number[] = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
/** What passes without anybody's doing, and says nothing of the table. */
export const DATABASE_TROUBLES: ReadonlySet<string> = new Set([
  'database-unreachable',
  'database-unavailable',
]);

export interface RecoveryOptions {
  /** How much has been stored so far. After some progress the next trouble counts as a first one. */
  readonly progress: () => number;
  /** Told each trouble that is waited for, with the milliseconds until the next attempt. */
  readonly onTrouble: (failure: Failure, wait: number) => Promise<void>;
  /** Milliseconds before each further attempt; as many as there are attempts. */
  readonly delays?: readonly number[];
  readonly random?: () => number;
}

/**
 * Does `work` again while PostgreSQL is in trouble, from whatever the state table has by then: what a
 * lost connection was about to commit is known to that alone.
 *
 * @throws what `work` throws when it is no trouble of the database, or when no attempt is left; the
 *   signal's reason when aborted while waiting.
 */
export async function recovering<T>(
  work: () => Promise<T>,
  options: RecoveryOptions,
  signal: AbortSignal,
): Promise<T> {
  const { progress, onTrouble, delays = DELAYS, random = Math.random } = options;
  let attempts = 0;
  for (;;) {
    const before = progress();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure) || !DATABASE_TROUBLES.has(error.code)) throw error;
      if (progress() > before) attempts = 0;
      const delay = delays[attempts++];
      if (delay === undefined) throw error;
      const wait = Math.round(delay * (0.5 + random()));
      await onTrouble(error, wait);
      await sleep(wait, signal);
    }
  }
}
