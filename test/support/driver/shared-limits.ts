/** Two seconds stand for five minutes, so that a scenario of some seconds fills many windows. */
const WINDOW = 2_000;
/** Milliseconds between the moment at which the budget counts a request and the moment at which the client sends it. */
const BETWEEN = 100;

/** What the processes of a scenario may spend together. It is so little that they have to wait. */
export const SHARED_LIMITS = { requestsPer5Minutes: 80, concurrency: 4 };
export const SHARE_TIMES = { window: WINDOW, every: 60, validFor: 600 };

/**
 * The requests of all processes of a scenario, as the clients sent them. The journal of the emulator would not do: it
 * counts a request that a stopped process gave up until the answer is made.
 */
export class SentRequests {
  private readonly sent: { readonly begun: number; readonly ended: number }[] = [];

  /** Takes note of a request that was answered now, so many seconds after it was sent. */
  answered(seconds: number): void {
    const ended = performance.now();
    this.sent.push({ begun: ended - seconds * 1_000, ended });
  }

  /** What was sent beyond the limits, as text for a person. */
  beyondLimits(): string[] {
    const { requestsPer5Minutes, concurrency } = SHARED_LIMITS;
    const problems: string[] = [];
    const densest = this.mostWithin(WINDOW - BETWEEN);
    if (densest > requestsPer5Minutes)
      problems.push(
        `the processes sent ${densest} requests in a window, and ${requestsPer5Minutes} are allowed`,
      );
    const inFlight = this.mostInFlight();
    if (inFlight > concurrency)
      problems.push(`${inFlight} requests were in flight, and ${concurrency} are allowed`);
    return problems;
  }

  private mostWithin(window: number): number {
    const starts = this.sent.map(({ begun }) => begun).toSorted((a, b) => a - b);
    let first = 0;
    return Math.max(
      0,
      ...starts.map((start, at) => {
        while ((starts[first] ?? start) < start - window) first++;
        return at - first + 1;
      }),
    );
  }

  private mostInFlight(): number {
    const edges = this.sent.flatMap(({ begun, ended }) => [
      { at: begun, by: 1 },
      { at: ended, by: -1 },
    ]);
    let now = 0;
    return Math.max(0, ...edges.toSorted((a, b) => a.at - b.at || a.by - b.by).map(({ by }) => (now += by)));
  }
}
