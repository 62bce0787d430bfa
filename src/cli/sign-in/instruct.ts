import type { CommandContext } from '../command.ts';

/** Tells a person at a terminal what to do, as a plain line; elsewhere as a line of the log. */
export function instruct({ logger, terminal }: CommandContext, sentence: string): void {
  if (terminal !== undefined) terminal.write(`${sentence}\n`);
  // A person has to act on it, so a log that shows warnings alone shows this line too.
  else logger.warn(sentence);
}
