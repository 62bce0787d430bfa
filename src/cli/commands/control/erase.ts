import { readableCount } from '../../../model/readable-figures.ts';
import { eraseTraces, type ErasureReport } from '../../../operations/control/erase-traces.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { DatabaseSession } from '../../database-session.ts';
import { fittedLines } from '../../output.ts';

const USAGE = 'erase needs a table and the key of a row: `mirrorverse erase <table> <key>`.';

export async function erase(context: CommandContext): Promise<number> {
  const { words, options, print, logger, signal } = context;
  const [table, key] = words;
  if (table === undefined || key === undefined || words.length > 2) throw new UsageError(USAGE);
  return DatabaseSession.use(context, async (session) => {
    const { config } = context;
    const place = config.files && { to: config.files.to, proxy: config.proxy };
    const report = await eraseTraces(await session.database(), table, key, place, signal);
    if ('wrongKey' in report) throw new UsageError(report.wrongKey);
    const { removed, inMirror } = report;
    // The log has no key: it may be kept for longer than what was erased.
    logger.info({ table, removed, inMirror }, `Traces of a row of ${table} were erased.`);
    if (options['json'] === true) print(JSON.stringify(report, null, 2));
    else for (const line of linesOf(report)) for (const text of fittedLines(line)) print(text);
    return 0;
  });
}

function linesOf({ table, removed, inMirror, bodiesLeft }: ErasureReport): string[] {
  const parts = [
    [removed.changes, 'change', 'the change log'],
    [removed.history, 'record', 'the history'],
    [removed.quarantine, 'row', 'quarantine'],
    [removed.differences, 'difference', 'the results of verifications'],
    [removed.auditDetails, 'value', 'the details of audit rows'],
    [removed.deadLetters, 'change', 'dead letters'],
    [removed.files, 'file', 'the list of files'],
    [removed.mirror, 'row', 'the mirror table'],
  ] as const;
  const lines = parts.flatMap(([count, what, place]) =>
    count === 0 ? [] : [`Removed from ${place}: ${readableCount(count, what)}.`],
  );
  if (lines.length === 0) lines.push(`Nothing was kept of this row of ${table}.`);
  if (bodiesLeft > 0) {
    lines.push(
      `Bodies of files that are still to be removed: ${bodiesLeft}. A process that fetches files does that within seconds.`,
    );
  }
  if (inMirror) {
    lines.push(
      `The mirror table still has the row, because the environment had it at the last poll. Delete the row there, run \`mirrorverse sync ${table}\`, and then \`erase\` once more: the deletion is a change too.`,
    );
  }
  return lines;
}
