import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ConfigError, countOf, type Config } from '../config/config.ts';
import { loadConfig, type Needs } from '../config/load.ts';
import { configSource } from '../config/reload/config-source.ts';
import { openMirrorDatabaseAhead, type DatabaseAhead } from '../mirror/database.ts';
import { mirrorOptions } from './mirror-settings.ts';
import { toFailure } from '../model/failure.ts';
import { UsageError } from './command.ts';
import { COMMAND_GROUPS, COMMANDS } from './commands.ts';
import { commandNamed, parseCommand } from './command-arguments.ts';
import { failureStatus } from './exit-status.ts';
import { commandHelp, helpText } from './commands/help.ts';
import { createLogger, tellProblems } from './log.ts';
import { printLine } from './output.ts';
import { errorTerminal } from './text/error-terminal.ts';
import { version } from './commands/version.ts';

/**
 * Runs the command that the arguments name.
 *
 * @returns the exit status: 0 success, 1 the work did not succeed, 2 command or configuration wrong,
 *   3 the state schema is a later version's.
 */
export async function runCommandLine(args: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    return await dispatch(args, signal);
  } catch (error) {
    return explain(error, args, signal);
  }
}

async function dispatch(args: readonly string[], signal: AbortSignal): Promise<number> {
  const [name, ...rest] = args;
  const isHelp = name === 'help' || name === '--help' || name === '-h';
  if (name === undefined || (isHelp && rest[0] === undefined)) {
    printLine(helpText(COMMAND_GROUPS));
    return name === undefined ? 2 : 0;
  }
  if (isHelp) {
    printLine(commandHelp(commandNamed(rest[0] ?? '')));
    return 0;
  }
  if (name === '--version' || name === '-v') {
    printLine(version());
    return 0;
  }
  const command = commandNamed(name);
  const { values, positionals } = parseCommand(command, rest);
  if (values['help'] === true) {
    printLine(commandHelp(command));
    return 0;
  }
  const needs = typeof command.needs === 'function' ? command.needs(positionals) : command.needs;
  const source = configSource(asString(values['config']), needs);
  const config = command.writesConfig === true ? loadConfig(null, needs) : source.load();
  const terminal = errorTerminal();
  const logger = createLogger(config.logLevel, terminal);
  const database = connectAhead(config, needs, logger);
  try {
    // Loading leaves no turn to the socket. One turn is enough for a server near by to get the greeting.
    await nextTurn();
    const work = await command.load();
    const context = {
      config,
      source,
      words: positionals,
      options: values,
      logger,
      signal,
      terminal,
      print: printLine,
    };
    return await work(database === undefined ? context : { ...context, database });
  } finally {
    await database?.close().catch((error: unknown) => {
      // What the command found counts, not how its connections ended.
      logger.warn(
        { error: error instanceof Error ? error.name : 'unknown' },
        'A connection could not be closed.',
      );
    });
  }
}

/**
 * Begins to connect to PostgreSQL. The greeting takes several round trips, and loading a command takes longer.
 *
 * @returns undefined if the command opens the database itself: it needs none, starts the bundled one, or will tell
 *   what is wrong with the address.
 */
function connectAhead(config: Config, needs: Needs, logger: Logger): DatabaseAhead | undefined {
  const url = config.postgres?.url;
  if (needs.postgres !== true || url === undefined || url === 'embedded') return undefined;
  try {
    return openMirrorDatabaseAhead(mirrorOptions(config, url), logger);
  } catch {
    return undefined;
  }
}

function asString(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Logs what went wrong to standard error. Only results go to standard output. */
function explain(error: unknown, [name]: readonly string[], signal: AbortSignal): number {
  const logger = createLogger();
  if (error instanceof ConfigError) {
    const { problems, remedy } = error;
    tellProblems(logger, problems);
    const help = remedy === undefined ? '' : ` ${remedy}`;
    logger.error({ remedy }, `The configuration has ${countOf(problems)}.${help}`);
    return 2;
  }
  if (error instanceof UsageError) {
    const isCommand = COMMANDS.some((command) => command.name === name);
    logger.error(`${error.message} See mirrorverse ${isCommand ? `${name} ` : ''}--help.`);
    return 2;
  }
  if (signal.aborted) {
    const why = signal.reason instanceof Error ? signal.reason.message : 'Stopped.';
    logger.warn(`${why} What was stored stays; the next start goes on from there.`);
    return 1;
  }
  const failure = toFailure(error);
  const { code, message, remedy, details, cause } = failure;
  const fault = code === 'unexpected' ? { err: cause } : {};
  logger.error({ ...details, code, remedy, ...fault }, message);
  return failureStatus(failure);
}
