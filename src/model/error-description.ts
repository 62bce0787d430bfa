/** The code of a system, TLS or PostgreSQL error (`ENOENT`, `CERT_HAS_EXPIRED`, `28P01`), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** An error as it may be logged. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** Frames of the stack, without the message that heads it. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  readonly errors?: readonly ErrorDescription[];
}

/** Deeper causes are left out: an error may be its own. */
const DEEPEST = 5;

/**
 * What of an error may be logged: type, code, frames, and the message where it quotes no data. Any other
 * property is left out: PostgreSQL's `detail` and `where` hold rows, drizzle's `params` links, the `input`
 * of an address that is none its password.
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

/** What stands in quotes, to the end where they are not closed; a name of the program, as V8 quotes it. */
const QUOTED = /\((?:reading|setting) '[^']*'\)|(?<!\w)(["'`])(?:(?!\1).)*(?:\1|$)/gs;

/**
 * An error's message without what it may quote of rows, links and secrets: parsers quote their text,
 * PostgreSQL the value it could not read, drizzle the parameters, HTTP clients a header they refuse.
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

/** Every SQLSTATE has a digit, which the system's codes of the same length (EPIPE) have not. */
function isSqlState(code: string | undefined): boolean {
  return code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
}

/** The message heads the stack, and may itself have lines that look like frames. */
function framesOf({ stack = '', message }: Error): string {
  const end = stack.indexOf(message) + message.length;
  return stack
    .slice(stack.includes(message) ? end : 0)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join('\n');
}
