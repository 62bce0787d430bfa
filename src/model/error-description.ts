/** The code of a system, TLS or PostgreSQL error (`ENOENT`, `CERT_HAS_EXPIRED`, `28P01`), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** An error as it may be logged. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** The frames of the stack, without the message above them. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  readonly errors?: readonly ErrorDescription[];
}

/** Deeper causes are left out, because an error may be its own cause. */
const DEEPEST = 5;

/**
 * What a log may have of an error: type, code, frames, and a message that quotes no data. All other
 * properties are left out. PostgreSQL's `detail` and `where` contain rows, drizzle's `params` contain links,
 * and the `input` of a wrong address contains the password.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: 'thrown, but no error' };
  const code = codeOf(error);
  const stack = framesOf(error);
  const below = (inner: unknown): ErrorDescription => describeError(inner, depth + 1);
  return {
    type: error.name,
    message: safeMessage(error),
    ...(code === undefined ? {} : { code }),
    ...(stack === '' ? {} : { stack }),
    ...(error.cause === undefined || depth >= DEEPEST ? {} : { cause: below(error.cause) }),
    ...(error instanceof AggregateError && depth < DEEPEST ? { errors: error.errors.map(below) } : {}),
  };
}

/** Text in quotes, up to the end where the quotes are not closed. V8 quotes names of the program in the first form. */
const QUOTED = /\((?:reading|setting) '[^']*'\)|(?<!\w)(["'`])(?:(?!\1).)*(?:\1|$)/gs;

/**
 * The message of an error, without rows, links and secrets that it may quote. Parsers quote their text,
 * PostgreSQL quotes the value that it could not read, drizzle quotes the parameters, and HTTP clients quote
 * a header that they refuse.
 */
export function safeMessage(error: unknown): string {
  if (!(error instanceof Error)) return 'thrown, but no error';
  if (isSqlState(codeOf(error))) return `SQLSTATE ${String(codeOf(error))}`;
  if (error instanceof SyntaxError || 'params' in error || 'query' in error) return 'message withheld';
  return error.message
    .replaceAll(QUOTED, (quoted) => (quoted.startsWith('(') ? quoted : '…'))
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '…')
    .replace(/\bbearer\b.*$/is, 'Bearer …');
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && ['string', 'number'].includes(typeof error.code) ? String(error.code) : undefined;
}

/** Every SQLSTATE has a digit. The system's codes of the same length, such as EPIPE, have none. */
function isSqlState(code: string | undefined): boolean {
  return code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
}

/** The frames below the message: lines of the message itself may look like frames. */
function framesOf({ stack = '', message }: Error): string {
  const end = stack.indexOf(message) + message.length;
  return stack
    .slice(stack.includes(message) ? end : 0)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join('\n');
}
