/**
 * Waits in a line for one's turn, and leaves it when aborted before.
 *
 * @param join puts into the line what is to be called when it is one's turn, and returns how to leave.
 * @returns what that was called with.
 * @throws the signal's reason when aborted.
 */
export async function waitInLine<T>(
  signal: AbortSignal,
  join: (start: (value: T) => void) => () => void,
): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      leave();
      reject(signal.reason as Error);
    };
    // Before joining, for it may be one's turn at once.
    signal.addEventListener('abort', onAbort, { once: true });
    const leave = join((value) => {
      signal.removeEventListener('abort', onAbort);
      resolve(value);
    });
  });
}
