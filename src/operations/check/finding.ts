import type { FailureCode, NoticeCode } from '../../model/failure-codes.ts';
import { toFailure } from '../../model/failure.ts';

/** One thing that the check found to be right or wrong; an entry of `check --json`. */
export interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly subject: string;
  readonly message: string;
  /** What to do; null if nothing is wrong. */
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

/** A finding from an error that was thrown. */
export function failed(id: string, subject: string, error: unknown): Finding {
  const failure = toFailure(error);
  return bad(id, subject, failure.message, failure.remedy, failure.code);
}
