import { readRecordCounts } from '../../../dataverse/feed/record-count.ts';
import type { RunResult } from '../../../sync/run/run-outcome.ts';
import type { CommandContext } from '../../command.ts';
import { createProgress } from '../../backfill-progress.ts';
import { exitStatus } from '../../exit-status.ts';
import { selectedTables } from '../../selected-tables.ts';
import { CommandSession } from '../../command-session.ts';
import { printResults, syncTables } from './sync.ts';

export async function backfill(context: CommandContext): Promise<number> {
  return CommandSession.use(context, async (session) => {
    const { words, options, logger, signal } = context;
    const resolution = await session.resolution({ opensMirror: true });
    const names = selectedTables(resolution, words).map((table) => table.name);
    const totals = await readRecordCounts(session.dataverse().client, names, signal);
    // A line of the log would break the bars. The results say the same at the end.
    if (process.stderr.isTTY) logger.level = 'warn';
    const progress = createProgress(totals, process.stderr, logger);
    let results: RunResult[];
    try {
      results = await syncTables(session, resolution, (job) => ({
        restart: options['restart'] === true,
        onPage: (done) => progress.update(job.settings.name, done.rowsRead),
      }));
    } finally {
      progress.stop();
    }
    printResults(context, results);
    return exitStatus(context, results);
  });
}
