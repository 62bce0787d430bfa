import { createHmac } from 'node:crypto';

/** How values are treated on their way into a mirror table. */
export interface RowPolicy {
  /** Key of the hashed columns. */
  readonly hashKey?: string;
  /** A NUL character in text sends the row to quarantine, or U+FFFD is stored in its place. */
  readonly nul: 'quarantine' | 'replace';
  /** Share of a page's rows, from 0 to 1, that may go to quarantine before the table stops. */
  readonly maxShare: number;
}

export const DEFAULT_ROW_POLICY: RowPolicy = { nul: 'quarantine', maxShare: 0.1 };

/** Tells one hash key from another without giving the key away. */
export function hashKeyId(key: string): string {
  return createHmac('sha256', key).update('mirrorverse hash key').digest('hex').slice(0, 8);
}
