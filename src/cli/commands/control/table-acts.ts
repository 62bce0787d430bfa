import { readableTime } from '../../../model/readable-figures.ts';
import type { TableAct } from '../../../mirror/control/table-commands.ts';
import { isPattern } from '../../../model/name-pattern.ts';
import {
  controlTables,
  knownTables,
  pausedTables,
  type ControlledTable,
  type TableCommand,
} from '../../../operations/control/control-table.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { fittedLines } from '../../output.ts';
import { DatabaseSession } from '../../database-session.ts';
import { pauseEnd } from './pause-end.ts';

export async function pause(context: CommandContext): Promise<number> {
  const { options } = context;
  const end = pauseEnd(options['for'], options['until'], new Date());
  const { reason } = options;
  const isTimed = end.until !== undefined || end.lasting !== undefined;
  const details = { ...end, ...(typeof reason === 'string' ? { reason } : {}) };
  return act(context, 'pause', details, (table) => pausedLine(table, isTimed));
}

export async function resume(context: CommandContext): Promise<number> {
  return act(context, 'resume', {}, ({ table }, wasPaused) =>
    wasPaused ? `${table} goes on.` : `${table} was not paused.`,
  );
}

export async function resync(context: CommandContext): Promise<number> {
  return act(context, 'resync', {}, ({ table, paused }) =>
    paused === null
      ? `${table} gets a new baseline: within seconds where a daemon runs, else with the next sync.`
      : `${table} gets a new baseline when its pause is over.`,
  );
}

async function act(
  context: CommandContext,
  command: TableCommand,
  details: Omit<TableAct, 'command' | 'table'>,
  line: (table: ControlledTable, wasPaused: boolean) => string,
): Promise<number> {
  const { words, config, options, print } = context;
  if (words.length === 0) throw new UsageError(`${command} needs the names of tables.`);
  return DatabaseSession.use(context, async (session) => {
    const database = await session.database();
    const configured = config.tables.map(({ name }) => name).filter((name) => !isPattern(name));
    const names = await knownTables(database, words, configured);
    const acts = names.map((table) => ({ command, table, ...details }));
    const before = await pausedTables(database);
    const tables = await controlTables(database, acts, 'cli');
    if (options['json'] === true) print(JSON.stringify({ tables }, null, 2));
    else
      for (const table of tables)
        for (const text of fittedLines(line(table, before.has(table.table)))) print(text);
    return 0;
  });
}

function pausedLine({ table, paused }: ControlledTable, isTimed: boolean): string {
  const until = paused?.until ?? null;
  if (until === null) return `${table} is paused until \`mirrorverse resume ${table}\`.`;
  const why = isTimed ? '' : ', before its delta link expires';
  return `${table} is paused until ${readableTime(new Date(until))}${why}.`;
}
