import { parseArgs } from 'node:util';
import { closestName } from '../model/closest-name.ts';
import { errorCode } from '../model/error-description.ts';
import { didYouMean, UsageError, type Command } from './command.ts';
import { COMMANDS } from './commands.ts';

/** What the arguments after a command's name say. */
export interface CommandArguments {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** The command of a name. @throws UsageError that names the nearest command. */
export function commandNamed(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  if (name.startsWith('-')) {
    throw new UsageError(`The options come after the command: mirrorverse <command> ${name}.`);
  }
  const names = COMMANDS.map((candidate) => candidate.name);
  throw new UsageError(`There is no command ${name}.${didYouMean(closestName(name, names))}`);
}

/** @throws UsageError for an option that the command does not have, or a word where it takes none. */
export function parseCommand(command: Command, args: readonly string[]): CommandArguments {
  const options = parsedOptions(command);
  let parsed: CommandArguments;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (errorCode(error) === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw unknownOption(command, args, options);
    const [said = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new UsageError(`${said}.`);
  }
  const { values, positionals } = parsed;
  if (positionals.length > 0 && command.words.length === 0 && values['help'] !== true) {
    throw new UsageError(`${command.name} takes no arguments, but was given ${positionals.join(' ')}.`);
  }
  return parsed;
}

type ParsedOptions = Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>;

function parsedOptions({ options = {}, json }: Command): ParsedOptions {
  const own = Object.entries(options).map(([name, { value }]): [string, ParsedOptions[string]] => [
    name,
    { type: value === undefined ? 'boolean' : 'string' },
  ]);
  return {
    ...Object.fromEntries(own),
    ...(json ? { json: { type: 'boolean' } } : {}),
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  };
}

/** The error for the first option that the command does not have. */
function unknownOption(command: Command, args: readonly string[], options: ParsedOptions): UsageError {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const unknown = tokens.find((token) => token.kind === 'option' && !Object.hasOwn(options, token.name));
  if (unknown?.kind !== 'option') return new UsageError(`${command.name} was given an unknown option.`);
  if (unknown.name === 'json') {
    const printing = COMMANDS.filter(({ json }) => json).map(({ name }) => name);
    return new UsageError(
      `${command.name} prints no JSON. These commands take --json: ${printing.join(', ')}.`,
    );
  }
  const near = closestName(unknown.name, Object.keys(options));
  return new UsageError(
    `${command.name} has no option ${unknown.rawName}.${didYouMean(near === null ? null : `--${near}`)}`,
  );
}
