import { listTables, NOT_CONFIGURED, type ListedTable } from '../../../operations/table-list.ts';
import type { CommandContext } from '../../command.ts';
import { readableNumber } from '../../../model/readable-figures.ts';
import { fittedTable } from '../../output.ts';
import { CommandSession } from '../../command-session.ts';

export async function tables(context: CommandContext): Promise<number> {
  return CommandSession.use(context, async (session) => {
    const list = await listTables(session.dataverse(), await session.resolution(), context.signal);
    if (context.options['json'] === true) {
      context.print(JSON.stringify({ tables: list }, null, 2));
      return 0;
    }
    const rows = list.map((table) => [
      table.table,
      table.entitySet ?? '',
      table.changeTracking ? 'on' : 'off',
      asWord(table),
      table.rows === null ? '' : readableNumber(table.rows),
    ]);
    const headings = ['table', 'entity set', 'tracking', 'mirrored', 'rows'];
    // The commonest reason has room in its column.
    const below = list.map(({ whyNot }) => (whyNot === NOT_CONFIGURED ? '' : (whyNot ?? '')));
    for (const line of fittedTable(headings, rows, { numbers: [4], below })) context.print(line);
    return 0;
  });
}

function asWord({ kind, mirrored, mode, whyNot }: ListedTable): string {
  if (!mirrored) return whyNot === NOT_CONFIGURED ? NOT_CONFIGURED : '';
  if (mode === 'snapshot') return 'snapshot';
  return kind === 'standard' ? 'yes' : `yes, ${kind}`;
}
