import type { FailureCode, NoticeCode } from '../../model/failure-codes.ts';
import { toFailure } from '../../model/failure.ts';

/** One thing that was proved or found wanting; an entry of what `check --json` prints. */
export interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly subject: string;
  readonly message: string;
  /** What to do; null where nothing is wrong. */
  readonly remedy: string | null;
  /** The code of the failure that a run would report. */
  readonly code?: FailureCode | NoticeCode;
}

export function good(id: string, subject: string, message: string): Finding {
  return { id, ok: true, subject, message, remedy: null };
}

export function bad(
  id: string,
  subject: string,
  message: string,
  remedy: string,
  code?: FailureCode | NoticeCode,
): Finding {
  return { id, ok: false, subject, message, remedy, ...(code === undefined ? {} : { code }) };
}

/** What was thrown, as a finding. */
export function failed(id: string, subject: string, error: unknown): Finding {
  const failure = toFailure(error);
  return bad(id, subject, failure.message, failure.remedy, failure.code);
}
