import { pino, destination, stdTimeFunctions, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';
import { logLevel } from '../config/log-level.ts';
import { describeError } from '../model/error-description.ts';

const STANDARD_ERROR = 2;

/**
 * The log: one JSON object a line on standard error, readable text where that is a terminal. Written
 * synchronously, so that the last line before an exit is not lost.
 */
export function createLogger(): Logger {
  const options = {
    level: logLevel(),
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    // The default prints every property, and causes by their whole messages.
    serializers: { err: (error: unknown) => describeError(error) },
  };
  if (process.stderr.isTTY) {
    // What the sentence itself says, or nobody reads.
    const ignore =
      'table,phase,pages,rowsRead,rowsWritten,rowsDeleted,rowsQuarantined,quarantined,requests,milliseconds,changes';
    return pino(options, PinoPretty({ destination: STANDARD_ERROR, sync: true, ignore }));
  }
  const lines = destination({ dest: STANDARD_ERROR, sync: true });
  // pino would fall silent where nobody reads any more, and the process live on unheard.
  lines.on('error', () => process.exit(1));
  return pino(options, lines);
}
