import type { Message, WebhookStep } from '../../dataverse/webhooks/webhook-steps.ts';
import type { FailureSummary } from '../../model/failure.ts';

/** A step of a table, as the environment has it. */
export interface NudgeStep {
  readonly message: Message;
  /** Null if there is none. */
  readonly step: WebhookStep | null;
}

/** The steps of a table. */
export interface NudgedTable {
  readonly table: string;
  readonly steps: readonly NudgeStep[];
  /** Steps that were made or turned on; 0 after a register that changed nothing. */
  readonly changed: number;
  /** Why the changes of the table are not made known. */
  readonly notice: FailureSummary | null;
}

export interface NudgeReport {
  /** The endpoint's address; null if there is no endpoint. */
  readonly url: string | null;
  readonly endpoint: 'made' | 'changed' | 'unchanged' | 'missing' | 'removed';
  readonly tables: readonly NudgedTable[];
}
