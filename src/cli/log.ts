import { createRequire } from 'node:module';
import { WriteStream } from 'node:tty';
import type * as Pretty from 'pino-pretty';
import { pino, destination, stdTimeFunctions, type Logger } from 'pino';
import { describeProblem, type ConfigProblem } from '../config/config.ts';
import { logSettings } from '../config/log-settings.ts';
import { describeError } from '../model/error-description.ts';
import { wrapped } from './output.ts';
import { errorTerminal } from './text/error-terminal.ts';

const STANDARD_ERROR = 2;

/** Takes whole lines. */
interface Lines {
  write(line: string): void;
}

/**
 * The log on standard error: one JSON object a line, or sentences on a terminal. It is written synchronously, so
 * that the last line before an exit is not lost.
 *
 * @param configured the level of the configuration, once it is read; before, the variable alone says it.
 * @param terminal where standard error is one. Sentences are broken at its width.
 */
export function createLogger(configured?: string, terminal = errorTerminal()): Logger {
  const { level = 'info', format = terminal === undefined ? 'json' : 'pretty' } = logSettings();
  const children = new Set<WeakRef<Logger>>();
  const options = {
    level: configured ?? level,
    onChild: (child: Logger): void => void children.add(new WeakRef(child)),
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (name: string) => ({ level: name }) },
    // The default prints every property and the whole message of each cause, which may quote secrets.
    serializers: { err: (error: unknown) => describeError(error) },
  };
  const lines = terminal ?? fileLines();
  const logger = pino(options, format === 'pretty' ? sentences(lines, () => terminal?.width) : lines);
  // The loggers of tables have a level of their own in pino, and must follow a change of the configuration.
  logger.on('level-change', (now, _value, _before, _valueBefore, instance) => {
    if (instance !== logger) return;
    for (const child of children) {
      const table = child.deref();
      if (table === undefined) children.delete(child);
      else table.level = now;
    }
  });
  return logger;
}

/** Tells each problem of a configuration by one line. */
export function tellProblems(logger: Logger, problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    const { key, line, column, meant } = problem;
    logger.error({ key, line, column, meant }, describeProblem(problem));
  }
}

/** Lines on standard error that no terminal shows. */
function fileLines(): Lines {
  const lines = destination({ dest: STANDARD_ERROR, sync: true });
  // Without this, pino is silent after the reader went away, and the process lives on.
  lines.on('error', () => process.exit(1));
  return lines;
}

/** Sentences for each entry: time, level, what happened, and what a person does about it. */
function sentences(lines: Lines, width: () => number | undefined): Lines {
  // Only people at a terminal need it. By `require`, because the line about a failed start cannot wait for it.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof Pretty;
  const pretty = prettyFactory({
    colorize: process.stderr instanceof WriteStream && process.stderr.hasColors(),
    // The sentence says what the fields say. A person who wants the fields asks for JSON.
    hideObject: true,
    messageFormat: (entry) => asSentences(entry, width()),
  });
  return { write: (line) => lines.write(pretty(line)) };
}

/** Characters before the text of an entry: `[01:26:31.123] ERROR: `. */
const PREFIX = 22;
const INDENT = 4;

function asSentences(entry: Record<string, unknown>, width: number | undefined): string {
  const { msg, remedy, err } = entry;
  const said = typeof msg === 'string' ? msg : '';
  const advised = typeof remedy === 'string' && !said.includes(remedy) ? ` ${remedy}` : '';
  const text = `${said}${advised}`;
  return `${width === undefined ? text : withIndent(text, width)}${asFrames(err)}`;
}

/** Breaks a text at blanks. The first line leaves room for the prefix. */
function withIndent(text: string, width: number): string {
  const room = '\0'.repeat(PREFIX - INDENT - 1);
  return wrapped(`${room} ${text}`, { indent: INDENT, width })
    .join(`\n${' '.repeat(INDENT)}`)
    .slice(room.length + 1);
}

/** A defect must be reported with its place in the program. */
function asFrames(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { type, message, stack } = error as Record<string, unknown>;
  const frames = typeof stack === 'string' ? stack.replaceAll(/^/gm, '\n    ').replaceAll('\n\n', '\n') : '';
  return `\n    ${String(type)}: ${String(message)}${frames}`;
}
