import { setMaxListeners } from 'node:events';
import { createLogger } from './log.ts';

/** After the first signal the work has this long to end by itself, in milliseconds. */
const GRACE = 25_000;

/**
 * Aborted by the first SIGTERM or SIGINT. A second signal, or the end of the grace period, ends the
 * process at once: PostgreSQL then rolls back the page under way and the lease runs out.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  // Every table listens to it, so Node's warning of a leak at the eleventh listener is wrong here.
  setMaxListeners(0, controller.signal);
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(new Error(`Stopped by ${signal}.`));
    setTimeout(() => {
      createLogger().error({ grace: GRACE }, 'The work did not end in time; exiting.');
      process.exit(1);
    }, GRACE).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return controller.signal;
}

/**
 * Calls `listener` at each SIGHUP until aborted. Node ends a process without a listener at SIGHUP, which is right for
 * a command whose terminal was closed, so only the daemon has one.
 */
export function onReloadSignal(listener: () => void, signal: AbortSignal): void {
  process.on('SIGHUP', listener);
  signal.addEventListener('abort', () => process.off('SIGHUP', listener), { once: true });
}

/**
 * Ends the process with one line and a status other than 0 if an error was not handled, or if the reader of the output
 * went away. Otherwise the process would live on without its work.
 */
export function onFatalError(): void {
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  process.stdout.on('error', () => process.exit(1));
  process.stderr.on('error', () => process.exit(1));
}

function die(error: unknown): void {
  createLogger().fatal({ err: error }, 'An unexpected error ended the process.');
  process.exit(1);
}
