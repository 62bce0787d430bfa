import { LeaseKeeper } from '../sync/lease-keeper.ts';
import { syncOnce } from '../sync/sync-once.ts';
import type { RunOptions, RunResult, TableJob } from '../sync/table-job.ts';
import type { Command, CommandContext } from './command.ts';
import { textTable } from './output.ts';
import { selectedTables } from './selected-tables.ts';
import { leaseHolder, Session } from './session.ts';

export const sync: Command = {
  name: 'sync',
  usage: 'sync [table...]',
  summary: 'one pass: brings the named tables, or all configured ones, up to date',
  needs: { dataverse: true, postgres: true, tables: true },
  options: {},
  takesWords: true,
  async run(context) {
    return Session.use(context, async (session) => {
      const results = await syncTables(session, () => ({}));
      printResults(context, results);
      return results.every((result) => result.failure === null) ? 0 : 1;
    });
  },
};

/** One pass over the tables that the command's words name. */
export async function syncTables(
  session: Session,
  options: (job: TableJob) => RunOptions,
): Promise<RunResult[]> {
  const { config, words, signal, logger } = session.context;
  const tables = selectedTables(config.tables, words);
  const mirror = await session.mirror(tables);
  const leases = new LeaseKeeper(mirror, leaseHolder(), logger);
  const jobs = session.jobs(mirror, leases, tables);
  const ended = new AbortController();
  const keeper = leases.run(ended.signal);
  try {
    return await syncOnce(jobs, config.limits.tables, options, signal);
  } finally {
    ended.abort();
    await keeper;
  }
}

export function printResults(context: CommandContext, results: readonly RunResult[]): void {
  if (context.options['json'] === true) {
    const tables = results.map(({ failure, ...result }) => ({
      ...result,
      error: failure && { code: failure.code, message: failure.message, remedy: failure.remedy },
    }));
    context.print(JSON.stringify({ tables }, null, 2));
    return;
  }
  const rows = results.map((result) => [
    result.table,
    result.failure === null ? 'up to date' : `failed: ${result.failure.code}`,
    String(result.rowsWritten),
    String(result.rowsDeleted),
    String(result.rowsQuarantined),
    `${(result.milliseconds / 1000).toFixed(1)} s`,
  ]);
  context.print(textTable(['table', 'result', 'written', 'deleted', 'quarantined', 'time'], rows));
}
