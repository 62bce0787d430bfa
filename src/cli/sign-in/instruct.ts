import type { Logger } from 'pino';

/** Tells a person at a terminal what to do, as a plain line; elsewhere as a line of the log. */
export function instruct(logger: Logger, sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${sentence}\n`);
  // A person has to act on it, so a log that shows warnings alone shows this line too.
  else logger.warn(sentence);
}
