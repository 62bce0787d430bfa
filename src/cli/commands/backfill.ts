import { readRecordCounts } from '../../dataverse/feed/record-count.ts';
import type { RunResult } from '../../sync/run/run-outcome.ts';
import type { Command } from '../command.ts';
import { createProgress } from '../backfill-progress.ts';
import { exitStatus } from '../exit-status.ts';
import { selectedTables } from '../selected-tables.ts';
import { CommandSession } from '../command-session.ts';
import { printResults, syncTables } from './sync.ts';

export const backfill: Command = {
  name: 'backfill',
  usage: 'backfill [table...] [--restart]',
  summary: 'one-off load with progress; resumes where it stopped; --restart re-baselines',
  needs: { dataverse: true, postgres: true, tables: true },
  options: { restart: { type: 'boolean' } },
  takesWords: true,
  async run(context) {
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
  },
};
