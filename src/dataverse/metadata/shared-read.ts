/** Something that is read once for all who ask, and kept. */
export interface SharedRead<T> {
  /** @throws what the read ended in; the signal's reason when aborted. */
  get(signal: AbortSignal): Promise<T>;
  /** What was read and is kept; undefined while there is nothing. */
  kept(): T | undefined;
  /** Whoever asks from now on has it read anew. */
  forget(): void;
}

/** A failure is not kept, and that who began the read was stopped is no failure of those who wait. */
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
