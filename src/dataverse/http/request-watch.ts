import type { Priority } from '../budget/budget.ts';

/** How a request ended. `failed` is trouble that may pass: a status of 5xx, a broken connection, a time-out. */
export type RequestOutcome = 'success' | 'throttled' | 'refused' | 'failed';

/** Is told how each request to the Web API went. A request that is repeated is told each time. */
export type RequestWatch = (kind: Priority, outcome: RequestOutcome, seconds: number) => void;

/** Sends a request, and tells the watch how it went. A request that its caller gave up is not told. */
export async function watched<T extends { readonly status: number }>(
  watch: RequestWatch | undefined,
  kind: Priority,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  if (watch === undefined) return send();
  const begun = performance.now();
  const tell = (outcome: RequestOutcome): void => watch(kind, outcome, (performance.now() - begun) / 1000);
  try {
    const answer = await send();
    tell(outcomeOf(answer.status));
    return answer;
  } catch (error) {
    if (!signal.aborted) tell('failed');
    throw error;
  }
}

/** The outcome by the status alone. The log and the failures know the error codes. */
function outcomeOf(status: number): RequestOutcome {
  if (status === 429) return 'throttled';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'success';
}
