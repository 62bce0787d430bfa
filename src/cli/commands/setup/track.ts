import { summaryOf } from '../../../model/failure.ts';
import { trackTables, type TrackOutcome } from '../../../operations/tracking.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { fittedLines } from '../../output.ts';
import { CommandSession } from '../../command-session.ts';

export async function track(context: CommandContext): Promise<number> {
  const { words, options, print, signal } = context;
  if (words.length === 0)
    throw new UsageError('track needs the names of tables: `mirrorverse track <table...>`.');
  return CommandSession.use(context, async (session) => {
    const outcomes = await trackTables(session.dataverse(), words, signal);
    if (options['json'] === true) {
      const tables = outcomes.map(({ table, outcome, failure }) => ({
        table,
        outcome,
        error: failure && summaryOf(failure),
      }));
      print(JSON.stringify({ tables }, null, 2));
    } else {
      for (const outcome of outcomes) print(asText(outcome));
    }
    return outcomes.every(({ failure }) => failure === null) ? 0 : 1;
  });
}

function asText({ table, outcome, failure }: TrackOutcome): string {
  return failure === null
    ? `${table}: change tracking ${outcome === 'turned on' ? 'turned on and published' : 'was on already'}`
    : [...fittedLines(`${table}: ${failure.message}`, 8), ...fittedLines(failure.remedy, 8)].join(
        '\n        ',
      );
}
