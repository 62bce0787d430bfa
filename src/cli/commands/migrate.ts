import { migrateState } from '../../mirror/state/migrations.ts';
import type { Command } from '../command.ts';
import { CommandSession } from '../command-session.ts';

export const migrate: Command = {
  name: 'migrate',
  usage: 'migrate',
  summary: 'brings the state schema up to date (run, sync and backfill do it too)',
  needs: { postgres: true },
  options: {},
  takesWords: false,
  async run(context) {
    return CommandSession.use(context, async (session) => {
      const { config } = context;
      const applied = await migrateState(await session.database());
      const what =
        applied === 0 ? 'was up to date' : `took ${applied === 1 ? '1 migration' : `${applied} migrations`}`;
      context.print(`State schema ${config.stateSchema} ${what}.`);
      return 0;
    });
  },
};
