/** A value that is read once for all callers and then kept. */
export interface SharedRead<T> {
  /** @throws the error of the read; the signal's reason when aborted. */
  get(signal: AbortSignal): Promise<T>;
  /** The value; undefined while it is not read. */
  kept(): T | undefined;
  /** Makes the next call of `get` read the value again. */
  forget(): void;
}

/**
 * Shares `read` among callers. Failures are not kept. If the caller that began a read is aborted, one of the
 * other callers begins it again.
 */
export function createSharedRead<T>(read: (signal: AbortSignal) => Promise<T>): SharedRead<T> {
  let current: { readonly result: Promise<T>; readonly beganBy: AbortSignal; value?: T } | undefined;
  return {
    async get(signal) {
      for (;;) {
        signal.throwIfAborted();
        const shared = (current ??= { result: read(signal), beganBy: signal });
        try {
          return (shared.value = await shared.result);
        } catch (error) {
          if (current === shared) current = undefined;
          if (!shared.beganBy.aborted || shared.beganBy === signal) throw error;
        }
      }
    },
    kept: () => current?.value,
    forget() {
      current = undefined;
    },
  };
}
