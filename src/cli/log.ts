import { createRequire } from 'node:module';
import type * as Pretty from 'pino-pretty';
import { pino, destination, stdTimeFunctions, type Logger } from 'pino';
import { logLevel } from '../config/log-level.ts';
import { describeError } from '../model/error-description.ts';

const STANDARD_ERROR = 2;

/**
 * The log on standard error: one JSON object a line, or readable text on a terminal. It is written synchronously, so
 * that the last line before an exit is not lost.
 */
export function createLogger(): Logger {
  const options = {
    level: logLevel(),
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    // The default prints every property and the whole message of each cause, which may quote secrets.
    serializers: { err: (error: unknown) => describeError(error) },
  };
  if (process.stderr.isTTY) {
    // Fields that the sentence repeats, or that nobody reads on a terminal.
    const ignore =
      'table,phase,pages,rowsRead,rowsWritten,rowsDeleted,rowsQuarantined,quarantined,requests,milliseconds,changes';
    // Only people at a terminal need it. By `require`, because the line about a failed start cannot wait for it.
    const { PinoPretty } = createRequire(import.meta.url)('pino-pretty') as typeof Pretty;
    return pino(options, PinoPretty({ destination: STANDARD_ERROR, sync: true, ignore }));
  }
  const lines = destination({ dest: STANDARD_ERROR, sync: true });
  // Without this, pino is silent after the reader went away, and the process lives on.
  lines.on('error', () => process.exit(1));
  return pino(options, lines);
}
