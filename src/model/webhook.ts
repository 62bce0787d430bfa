/** A receiver of changes, as it is configured. */
export interface Webhook {
  /** Names the webhook in logs, metrics and state. */
  readonly name: string;
  readonly url: string;
  /** What is posted is signed with each of them. */
  readonly secrets: readonly string[];
  /** Logical names; undefined for all tables that have a change log. */
  readonly tables: readonly string[] | undefined;
  readonly allowPrivate: boolean;
  /** Milliseconds that dead letters are kept. */
  readonly keep: number;
}
