import type { ProxySettings } from '../../dataverse/network/proxy-settings.ts';
import type { FileWork } from '../../mirror/files/file-queue.ts';
import { bodyRemoved, countUnused, unusedBodies } from '../../mirror/files/unused-bodies.ts';
import { placeName, type FilePlace } from '../../model/files/file-place.ts';
import { sleep } from '../../timing/sleep.ts';
import { TurnLost, withFileTurn, type FileTurn } from './file-turn-keeper.ts';
import type { BodyStore } from './store/body-store.ts';
import { createBodyStore } from './store/create-body-store.ts';

/**
 * Removes up to a hundred bodies that nothing needs.
 *
 * @param root bodies elsewhere stay.
 * @returns how many. @throws Failure; TurnLost
 */
export async function removeSomeUnused(
  work: FileWork,
  store: BodyStore,
  root: string,
  turn: FileTurn,
): Promise<number> {
  const unused = (await unusedBodies(work, root)) ?? [];
  for (const body of unused) {
    turn.assertHeld();
    await store.remove(body.sha256, turn.signal);
    await bodyRemoved(work, body);
  }
  return unused.length;
}

/** Milliseconds for which another process that fetches files may be at work on a removal. */
const PATIENCE = 15_000;
const TURN = 30_000;

/**
 * Removes all bodies that nothing needs, or waits until the process that fetches files has done so.
 *
 * @param place where bodies lie; undefined if that is not known here, so that another process has to remove them.
 * @returns how many are left, also if the place cannot be used now. @throws Failure of the database
 */
export async function removeUnused(
  work: FileWork,
  place: { readonly to: FilePlace; readonly proxy: ProxySettings | undefined } | undefined,
  signal: AbortSignal,
): Promise<number> {
  let left = await countUnused(work);
  if (left === 0 || place === undefined) return left;
  const store = createBodyStore(place.to, place.proxy);
  const until = performance.now() + PATIENCE;
  try {
    while (left > 0 && performance.now() < until) {
      const mine = await withFileTurn(
        work,
        TURN,
        async (turn) => {
          while ((await removeSomeUnused(work, store, placeName(place.to), turn)) > 0);
        },
        signal,
      );
      left = await countUnused(work);
      if (mine !== undefined) return left;
      if (left > 0) await sleep(1_000, signal);
    }
    return left;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TurnLost) return left;
    // What is left is on record, and the process that fetches files tries it again.
    return await countUnused(work);
  } finally {
    store.close();
  }
}
