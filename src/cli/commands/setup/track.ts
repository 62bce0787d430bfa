import { failureFields, summaryOf } from '../../../model/failure.ts';
import { trackTables } from '../../../operations/tracking.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';

export async function track(context: CommandContext): Promise<number> {
  const { words, options, print, signal, logger } = context;
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
      for (const { table, outcome, failure } of outcomes) {
        if (failure === null)
          print(
            `${table}: change tracking ${outcome === 'turned on' ? 'turned on and published' : 'was on already'}`,
          );
        else logger.error({ ...failureFields(failure), table, remedy: failure.remedy }, failure.message);
      }
    }
    return outcomes.every(({ failure }) => failure === null) ? 0 : 1;
  });
}
