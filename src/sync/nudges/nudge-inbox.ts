/** Takes a nudge for a table. It must return at once, because the sender waits. */
export type NudgeTaker = (table: string) => void;

/**
 * Where nudges come in. What receives them starts before the daemon has opened its mirror, and knows nothing of it. A
 * nudge that comes before is dropped: each table runs once at the start anyway.
 */
export class NudgeInbox {
  private take: NudgeTaker | undefined;

  /** @param table logical name, as the sender wrote it. It may name anything. */
  receive(table: string): void {
    this.take?.(table);
  }

  /** Hands all nudges to `take` from now on. @returns ends that. */
  connect(take: NudgeTaker): () => void {
    this.take = take;
    return () => {
      if (this.take === take) this.take = undefined;
    };
  }
}
