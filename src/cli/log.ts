import { createRequire } from 'node:module';
import { WriteStream } from 'node:tty';
import type * as Pretty from 'pino-pretty';
import { pino, destination, stdTimeFunctions, type Logger } from 'pino';
import { logSettings } from '../config/log-settings.ts';
import { describeError } from '../model/error-description.ts';

const STANDARD_ERROR = 2;

/**
 * The log on standard error: one JSON object a line, or sentences on a terminal. It is written synchronously, so
 * that the last line before an exit is not lost.
 */
export function createLogger(): Logger {
  const { level, format = process.stderr.isTTY ? 'pretty' : 'json' } = logSettings();
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (name: string) => ({ level: name }) },
    // The default prints every property and the whole message of each cause, which may quote secrets.
    serializers: { err: (error: unknown) => describeError(error) },
  };
  if (format === 'pretty') return pino(options, sentences());
  const lines = destination({ dest: STANDARD_ERROR, sync: true });
  // Without this, pino is silent after the reader went away, and the process lives on.
  lines.on('error', () => process.exit(1));
  return pino(options, lines);
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
