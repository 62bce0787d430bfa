/** Work that goes on while something else is done. */
export interface Ahead<T> {
  readonly result: Promise<T>;
  /** It is no longer needed. */
  cancel(): void;
}

/**
 * Starts reading what comes next, so that it is under way while what came before is written. What has
 * come and is no longer needed gives back its memory.
 */
export function startAhead<T extends { readonly release?: () => void }>(
  read: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Ahead<T> {
  const controller = new AbortController();
  const result = read(AbortSignal.any([signal, controller.signal]));
  // It is awaited later, or never when writing fails first; until then a rejection is not unhandled.
  result.catch(() => undefined);
  return {
    result,
    cancel() {
      controller.abort(new Error('The page is no longer needed.'));
      result.then(
        (page) => page.release?.(),
        () => undefined,
      );
    },
  };
}
