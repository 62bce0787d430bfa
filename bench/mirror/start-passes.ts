import { nextExit, nextMessage, startScript } from '../support/child.ts';
import type { CommandSurroundings } from '../support/mirror-command.ts';
import type { PassWork } from './passes.ts';

/** Runs `work` with a process that makes passes over its tables, each when it is asked to. */
export async function withPasses<T>(
  surroundings: CommandSurroundings,
  work: (pass: () => Promise<PassWork>) => Promise<T>,
): Promise<T> {
  const child = startScript('mirror/passes.ts', surroundings);
  try {
    await nextMessage(child);
    const result = await work(async () => {
      child.send('pass');
      return nextMessage<PassWork>(child);
    });
    child.send('end');
    await nextExit(child);
    return result;
  } finally {
    // It has ended, or something has gone wrong.
    child.kill();
  }
}
