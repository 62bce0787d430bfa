import type { FileWork } from '../../mirror/files/file-queue.ts';
import { leaveWork, takeWork } from '../../mirror/lease/sole-work.ts';
import { sleep } from '../../timing/sleep.ts';

/** The right to fetch and remove bodies, while this process has it. */
export interface FileTurn {
  /** Aborted when another process may have the right. */
  readonly signal: AbortSignal;
  /** @throws the reason if another process may have the right: a process may have stood still. */
  assertHeld(): void;
}

/** Another process works on bodies now. */
export class TurnLost extends Error {
  constructor() {
    super('Another process works on bodies now.');
    this.name = 'TurnLost';
  }
}

/**
 * Does work while this process has the turn, which is renewed meanwhile. Only one process has it: another one could remove
 * a body at the moment in which this one finds it there.
 *
 * @param duration milliseconds for which a killed process keeps the turn.
 * @returns undefined, without any work, if another process has the turn.
 * @throws TurnLost if another process has taken it over meanwhile; what the work throws; the signal's reason when aborted.
 */
export async function withFileTurn<T>(
  work: FileWork,
  duration: number,
  perform: (turn: FileTurn) => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value: T } | undefined> {
  let until = performance.now() + duration;
  if (!(await takeWork(work, 'files', duration))) return undefined;
  const lost = new AbortController();
  const ended = new AbortController();
  const either = AbortSignal.any([signal, lost.signal]);
  const renew = async (): Promise<void> => {
    const stop = AbortSignal.any([either, ended.signal]);
    for (;;) {
      await sleep(duration / 3, stop);
      const asked = performance.now();
      const isHeld = await takeWork(work, 'files', duration).catch(() => undefined);
      if (isHeld === true) until = asked + duration;
      else if (isHeld === false || performance.now() > until) lost.abort(new TurnLost());
    }
  };
  const renewing = renew().catch(() => undefined);
  const turn: FileTurn = {
    signal: either,
    assertHeld() {
      either.throwIfAborted();
      if (performance.now() > until) throw new TurnLost();
    },
  };
  try {
    return { value: await perform(turn) };
  } finally {
    ended.abort();
    await renewing;
    if (!lost.signal.aborted) await leaveWork(work, 'files').catch(() => undefined);
  }
}
