import type { ParseArgsOptionsConfig } from 'node:util';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Needs } from '../config/load.ts';
import type { DatabaseAhead } from '../mirror/database.ts';

/** What a command works with. */
export interface CommandContext {
  readonly config: Config;
  /** Words after the command's name. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly logger: Logger;
  /** The database of `postgres.url`, to which a connection is under way; absent if the command opens its own. */
  readonly database?: DatabaseAhead;
  /** Aborted by SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Writes a line of the result to standard output. */
  readonly print: (line: string) => void;
}

/** Does what a command is for. @returns the exit status: 0 success, 1 the work did not succeed. */
export type CommandWork = (context: CommandContext) => Promise<number>;

/** One command of the command line. It is thin and knows no rule of the domain. */
export interface Command {
  readonly name: string;
  /** Its words and options, for the help. */
  readonly usage: string;
  readonly summary: string;
  /** The parts of the configuration that the command needs; a function if they depend on its words. */
  readonly needs: Needs | ((words: readonly string[]) => Needs);
  readonly options: ParseArgsOptionsConfig;
  /** Whether it takes words after its name. */
  readonly takesWords: boolean;
  /** Loads what the command does. */
  readonly load: () => Promise<CommandWork>;
}

/** The command was called wrongly: exit status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
