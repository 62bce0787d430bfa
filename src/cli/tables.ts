import { listTables } from '../operations/table-list.ts';
import type { Command } from './command.ts';
import { textTable } from './output.ts';
import { Session } from './session.ts';

export const tables: Command = {
  name: 'tables',
  usage: 'tables [--json]',
  summary: "the environment's tables: logical name, entity set, change tracking, rows",
  needs: { dataverse: true },
  options: {},
  takesWords: false,
  async run(context) {
    return Session.use(context, async (session) => {
      const mirrored = new Set(context.config.tables.map((table) => table.name));
      const list = await listTables(session.dataverse(), mirrored, context.signal);
      if (context.options['json'] === true) {
        context.print(JSON.stringify({ tables: list }, null, 2));
        return 0;
      }
      const rows = list.map((table) => [
        table.table,
        table.entitySet ?? '',
        table.changeTracking ? 'on' : 'off',
        table.mirrored ? 'yes' : '',
        table.rows === null ? '' : String(table.rows),
      ]);
      context.print(textTable(['table', 'entity set', 'change tracking', 'mirrored', 'rows'], rows));
      return 0;
    });
  },
};
