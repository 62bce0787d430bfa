import { createRequire } from 'node:module';
import { WriteStream } from 'node:tty';
import type * as Pretty from 'pino-pretty';
import { pino, destination, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import { describeProblem, type ConfigProblem } from '../config/config.ts';
import { logSettings } from '../config/log-settings.ts';
import { describeError } from '../model/error-description.ts';

const STANDARD_ERROR = 2;

/**
 * The log on standard error: one JSON object a line, or sentences on a terminal. It is written synchronously, so
 * that the last line before an exit is not lost.
 *
 * @param configured the level of the configuration, once it is read; before, the variable alone says it.
 */
export function createLogger(configured?: string): Logger {
  const { level = 'info', format = process.stderr.isTTY ? 'pretty' : 'json' } = logSettings();
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
  const logger = pino(options, format === 'pretty' ? sentences() : jsonLines());
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

function jsonLines(): DestinationStream {
  const lines = destination({ dest: STANDARD_ERROR, sync: true });
  // Without this, pino is silent after the reader went away, and the process lives on.
  lines.on('error', () => process.exit(1));
  return lines;
}

/** One line for each entry: time, level, what happened, and what a person does about it. */
function sentences(): Pretty.PrettyStream {
  // Only people at a terminal need it. By `require`, because the line about a failed start cannot wait for it.
  const { PinoPretty } = createRequire(import.meta.url)('pino-pretty') as typeof Pretty;
  return PinoPretty({
    destination: STANDARD_ERROR,
    sync: true,
    colorize: process.stderr instanceof WriteStream && process.stderr.hasColors(),
    // The sentence says what the fields say. A person who wants the fields asks for JSON.
    hideObject: true,
    messageFormat: asSentences,
  });
}

function asSentences(entry: Record<string, unknown>): string {
  const { msg, remedy, err } = entry;
  const said = typeof msg === 'string' ? msg : '';
  const advised = typeof remedy === 'string' && !said.includes(remedy) ? ` ${remedy}` : '';
  return `${said}${advised}${asFrames(err)}`;
}

/** A defect must be reported with its place in the program. */
function asFrames(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { type, message, stack } = error as Record<string, unknown>;
  const frames = typeof stack === 'string' ? stack.replaceAll(/^/gm, '\n    ').replaceAll('\n\n', '\n') : '';
  return `\n    ${String(type)}: ${String(message)}${frames}`;
}
