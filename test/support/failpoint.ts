/** Where a child process stands still until its parent lets it go on; see `failpoint-child.ts`. */
export type Failpoint =
  /** Before the statement of that number, counted from 0, whichever it is. */
  | { readonly kind: 'statement'; readonly number: number }
  /** Before, or right after the answer to, the n-th statement (from 1) whose text fits. */
  | { readonly kind: 'before' | 'after'; readonly text: string; readonly nth: number }
  /** The n-th statement whose text fits is never sent, and never answered; all else goes on. */
  | { readonly kind: 'hang'; readonly text: string; readonly nth: number }
  /** With half of the n-th COPY's data sent. */
  | { readonly kind: 'copy'; readonly nth: number }
  /** Nowhere: every statement is reported as it is sent. */
  | { readonly kind: 'list' }
  /**
   * Not a stand-still but a defect, a second after it first takes a lease, or in the n-th statement whose
   * text fits. Its error carries what such errors carry in the worst case, the canaries among it.
   */
  | { readonly kind: 'throw' | 'reject' }
  | { readonly kind: 'defect'; readonly text: string; readonly nth: number }
  /** The event loop is kept busy so long, from then on. */
  | { readonly kind: 'block'; readonly milliseconds: number };

/** The variable that carries it, as JSON. */
export const FAILPOINT = 'TEST_FAILPOINT';

/** The child's end of the channel: lines of what it reached one way, a byte to go on the other way. */
export const CHANNEL = 3;
