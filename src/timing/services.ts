/** Something long-lived. It resolves after it was aborted and has come to rest, and rejects on a defect. */
export type Service = (signal: AbortSignal) => Promise<void>;

/**
 * Runs services until `work` has ended, however it ends.
 *
 * @param work gets a signal that is aborted with `signal`, and when a service rejects.
 * @throws the error of the first service that rejected, or the error of `work`, after all have come to rest.
 */
export async function withServices<T>(
  services: readonly Service[],
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const broken = new AbortController();
  const ended = new AbortController();
  const running = services.map(async (run) => {
    try {
      await run(ended.signal);
    } catch (error) {
      broken.abort(error);
    }
  });
  try {
    return await work(AbortSignal.any([signal, broken.signal]));
  } finally {
    ended.abort(signal.reason);
    await Promise.all(running);
    broken.signal.throwIfAborted();
  }
}
