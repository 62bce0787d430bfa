import { safeMessage } from './error-description.ts';
import {
  FAILURE_CODES,
  type FailureCode,
  type NoticeCode,
  type Reaction,
  type ReactionTo,
} from './failure-codes.ts';

type IsUnion<T, Member = T> = Member extends T ? ([T] extends [Member] ? false : true) : never;

/** Codes whose reaction the place that throws one has to name. */
type CodeOfSeveral = {
  [Code in FailureCode]: IsUnion<ReactionTo<Code>> extends false ? never : Code;
}[FailureCode];

/** Codes that always mean the same reaction. */
export type CodeOfOneReaction = Exclude<FailureCode, CodeOfSeveral>;

/** A code, with a reaction where the list knows several reactions to the code. */
export type FailureKind =
  | { readonly code: CodeOfOneReaction; readonly reaction?: undefined }
  | { [Code in CodeOfSeveral]: { readonly code: Code; readonly reaction: ReactionTo<Code> } }[CodeOfSeveral];

export type FailureOptions = FailureKind & {
  readonly message: string;
  /** What a person does about the failure, as an instruction. By default, the remedy of the list. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
  /** Fields for the log: never a secret, a token or a row's value. */
  readonly details?: Readonly<Record<string, unknown>>;
};

/** The only error that this project throws on purpose. It says what happens next and what a person can do. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly reaction: Reaction;
  readonly remedy: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(options: FailureOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = options.code;
    this.reaction = options.reaction ?? reactionTo(options.code);
    this.remedy = options.remedy ?? generalRemedy(this.code, this.reaction);
    this.details = options.details ?? {};
  }

  /** The same failure in other words. @param remedy by default, the remedy stays. */
  saying(message: string, remedy = this.remedy): Failure {
    const { code, reaction, details, cause } = this;
    // Code and reaction were checked together when this failure was made.
    return new Failure({ code, reaction, details, cause, message, remedy } as FailureOptions);
  }
}

const REACTIONS: readonly Reaction[] = ['retry', 'rebaseline', 'stop-table', 'stop-process'];

function reactionTo(code: CodeOfOneReaction): Reaction {
  const reaction = REACTIONS.find((each) => code in FAILURE_CODES[each]);
  if (reaction === undefined) throw new TypeError(`The list of failure codes has no ${code}.`);
  return reaction;
}

function generalRemedy(code: FailureCode | NoticeCode, group: Reaction | 'go-on'): string {
  const codes: Readonly<Record<string, readonly [string, string]>> = FAILURE_CODES[group];
  return codes[code]?.[1] ?? '';
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

/** A notice, which has the form of a failure while the work goes on. @param remedy by default, the remedy of the list. */
export function notice(
  code: NoticeCode,
  message: string,
  remedy = generalRemedy(code, 'go-on'),
): FailureSummary {
  return { code, message, remedy };
}

/**
 * The fields of a failure in a line of the log. They leave out the table, because a table's logger adds it
 * to each of its lines.
 */
export function failureFields({ code, details }: Failure): Record<string, unknown> {
  const { table: _, ...others } = details;
  return { ...others, code };
}

/**
 * Any thrown value as a `Failure`. A value that is no failure shows a defect of mirrorverse: it stops the
 * table, and the remedy says where to report it.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure({ code: 'unexpected', message: `Unexpected: ${safeMessage(error)}`, cause: error });
}
