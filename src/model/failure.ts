import { safeMessage } from './error-description.ts';

/**
 * What must happen after a failure; the caller decides by this word alone.
 *
 * - `retry`: a passing trouble; the next run may succeed as it is.
 * - `rebaseline`: the checkpoint is worth nothing any more; load the table anew.
 * - `stop-table`: somebody must change something; other tables are not affected.
 * - `stop-process`: nothing can work before somebody changes something.
 */
export type Reaction = 'retry' | 'rebaseline' | 'stop-table' | 'stop-process';

export interface FailureOptions {
  readonly code: string;
  readonly reaction: Reaction;
  readonly message: string;
  /** What a person does about it, as an instruction. */
  readonly remedy: string;
  readonly cause?: unknown;
  /** Fields for the log: never a secret, a token or a row's value. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error this project throws on purpose: classed by what to do next, with its remedy. */
export class Failure extends Error {
  readonly code: string;
  readonly reaction: Reaction;
  readonly remedy: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(options: FailureOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = options.code;
    this.reaction = options.reaction;
    this.remedy = options.remedy;
    this.details = options.details ?? {};
  }
}

/** A failure as it is stored and shown. */
export interface FailureSummary {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export function summaryOf({ code, message, remedy }: Failure): FailureSummary {
  return { code, message, remedy };
}

/**
 * Any thrown value as a `Failure`: an unexpected one is a defect of ours, so it stops the table it
 * happened in and says where to report it.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure({
    code: 'unexpected',
    reaction: 'stop-table',
    message: `Unexpected: ${safeMessage(error)}`,
    remedy: 'This is a defect in mirrorverse. Please report it with the log line that has this code.',
    cause: error,
  });
}
