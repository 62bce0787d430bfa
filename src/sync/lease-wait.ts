import type { Mirror } from '../mirror/mirror.ts';
import { leaseTimeLeft, registerTables, takeLease, type Taken } from '../mirror/state/leases.ts';
import { Failure } from '../model/failure.ts';
import { sleep } from '../model/sleep.ts';
import { postgresFailure } from '../mirror/sqlstate.ts';

const LONGEST_POLL = 1_000;

/**
 * Takes a table's lease, waiting as long as a killed holder's lease may yet run.
 *
 * @throws Failure `lease-held` when another process keeps it.
 */
export async function waitForLease(
  mirror: Mirror,
  table: string,
  holder: string,
  signal: AbortSignal,
): Promise<Taken> {
  const { leaseDuration } = mirror.options;
  let deadline: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const taken = await tryTake(mirror, table, holder);
    if (taken !== null) return taken;
    deadline ??= performance.now() + (await longestWait(mirror, table));
    if (performance.now() > deadline) throw leaseHeld(table);
    await sleep(Math.min(LONGEST_POLL, leaseDuration / 10), signal);
  }
}

/** Milliseconds; the holder may have been configured with a longer lease than this process. */
async function longestWait(mirror: Mirror, table: string): Promise<number> {
  const { store, options } = mirror;
  try {
    // Nobody can take the lease of a table whose row of state is gone.
    await registerTables(store, store.db, [table]);
    return Math.max(options.leaseDuration, await leaseTimeLeft(store, table)) * 1.5;
  } catch (error) {
    throw postgresFailure(error);
  }
}

async function tryTake(mirror: Mirror, table: string, holder: string): Promise<Taken | null> {
  try {
    return await takeLease(mirror.store, table, holder, mirror.options.leaseDuration);
  } catch (error) {
    throw postgresFailure(error);
  }
}

function leaseHeld(table: string): Failure {
  return new Failure({
    code: 'lease-held',
    reaction: 'retry',
    message: `Another process is writing table ${table}.`,
    remedy: 'Let it finish, or stop it; it may be the daemon.',
    details: { table },
  });
}
