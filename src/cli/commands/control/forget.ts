import { forget as forgetTables } from '../../../operations/control/forget-tables.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { DatabaseSession } from '../../database-session.ts';
import { mirrorOptions } from '../../mirror-settings.ts';

export async function forget(context: CommandContext): Promise<number> {
  const { words, options, config, print } = context;
  if (words.length === 0) throw new UsageError('forget needs the names of tables.');
  return DatabaseSession.use(context, async (session) => {
    const { labels } = mirrorOptions(config, '');
    const choice = { entries: config.tables, leftOut: config.leftOut };
    const drop = options['drop'] === true;
    const tables = await forgetTables(await session.database(), words, { choice, drop, labels });
    if (options['json'] === true) {
      print(JSON.stringify({ tables }, null, 2));
      return 0;
    }
    for (const { table, dropped } of tables) {
      const mirror = dropped === null ? '' : ` ${dropped} is dropped.`;
      print(`${table} is forgotten.${mirror}`);
    }
    return 0;
  });
}
