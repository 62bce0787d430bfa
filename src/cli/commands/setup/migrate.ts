import { migrateState } from '../../../mirror/state/migrations.ts';
import type { CommandContext } from '../../command.ts';
import { DatabaseSession } from '../../database-session.ts';

export async function migrate(context: CommandContext): Promise<number> {
  return DatabaseSession.use(context, async (session) => {
    const { config } = context;
    const { applied, grantsLeft } = await migrateState(await session.database());
    const what =
      applied === 0 ? 'was up to date' : `took ${applied === 1 ? '1 migration' : `${applied} migrations`}`;
    context.print(`State schema ${config.stateSchema} ${what}.`);
    if (grantsLeft.length > 0) context.print(`An administrator has to run: ${grantsLeft.join(' ')}`);
    return 0;
  });
}
