import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Needs } from '../config/load.ts';
import type { ConfigSource } from '../config/reload/config-source.ts';
import type { DatabaseAhead } from '../mirror/database.ts';
import type { ErrorTerminal } from './text/error-terminal.ts';

/** What a command works with. */
export interface CommandContext {
  readonly config: Config;
  /** Where the configuration came from; absent if it cannot be read again. */
  readonly source?: ConfigSource;
  /** Words after the command's name. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly logger: Logger;
  /** The terminal behind standard error, to which the log writes; undefined if it is none. */
  readonly terminal?: ErrorTerminal | undefined;
  /** The database of `postgres.url`, to which a connection is under way; absent if the command opens its own. */
  readonly database?: DatabaseAhead;
  /** Aborted by SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Writes a line of the result to standard output. */
  readonly print: (line: string) => void;
}

/** Does what a command is for. @returns the exit status: 0 success, 1 the work did not succeed. */
export type CommandWork = (context: CommandContext) => Promise<number>;

/** An option of a command. */
export interface CommandOption {
  /** What its value is, for the help, such as `N` or `DIR`. A switch, which takes no value, has none. */
  readonly value?: string;
  readonly summary: string;
}

/** One command of the command line. It is thin and knows no rule of the domain. */
export interface Command {
  readonly name: string;
  /** Each form of the words after its name, such as `[table...]`; empty if it takes no words. */
  readonly words: readonly string[];
  /** What it does, in a few words: together with the name they fit a line of 80 characters. */
  readonly summary: string;
  /** Sentences of its own help. */
  readonly details?: string;
  /** When it ends with which exit status, if it may end with 1. */
  readonly ends: string;
  /** Its own options. `--config`, `--help` and, with `json`, `--json` come on top. */
  readonly options?: Readonly<Record<string, CommandOption>>;
  /** Whether it takes `--json`: it prints facts. */
  readonly json: boolean;
  /** Calls of the command as a user types them, without `mirrorverse`. */
  readonly examples: readonly string[];
  /** The parts of the configuration that the command needs; a function if they depend on its words. */
  readonly needs: Needs | ((words: readonly string[]) => Needs);
  /** It writes the configuration file of `--config`, so it does not read one. */
  readonly writesConfig?: true;
  /** Loads what the command does. */
  readonly load: () => Promise<CommandWork>;
}

/** Commands that belong together, for the help. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** The command was called wrongly: exit status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** A question behind the sentence about a wrong name; nothing if no name is near. */
export function didYouMean(name: string | null): string {
  return name === null ? '' : ` Did you mean ${name}?`;
}
