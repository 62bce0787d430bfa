import { createLoadLog } from '../../../sync/load/load-log.ts';
import type { CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';
import { createLoadBars } from '../../text/load-bars.ts';
import { passStatus, printPass, syncTables, type Pass } from './sync.ts';

/** Lines of the log where no terminal shows bars: one for each table every five seconds. */
const LINES = { every: 5_000, atOnce: true };

export async function backfill(context: CommandContext): Promise<number> {
  return CommandSession.use(context, async (session) => {
    const { options, logger } = context;
    const resolution = await session.resolution({ opensMirror: true });
    const { terminal } = context;
    const bars = terminal && createLoadBars(terminal);
    // The bars and the results say what the log would say of each table.
    if (bars !== undefined) logger.level = 'warn';
    if (bars !== undefined) session.throttleListeners.push((milliseconds) => bars.throttled(milliseconds));
    let pass: Pass;
    try {
      const run = { restart: options['restart'] === true };
      pass = await syncTables(session, resolution, run, bars ?? createLoadLog(logger, LINES));
    } finally {
      bars?.stop();
    }
    printPass(context, pass);
    return passStatus(context, pass);
  });
}
