import type { Config } from '../../../config/config.ts';
import { DemoOrganization } from '../../../emulator/demo/demo-organization.ts';
import { withServices } from '../../../timing/services.ts';
import type { CommandContext } from '../../command.ts';
import { ALL_COLUMNS } from '../../../sync/tables/table-selection.ts';
import { runUntilStopped } from '../mirroring/run.ts';
import { CommandSession } from '../../command-session.ts';

/** The demo keeps all its files here, under the working directory. */
const DIRECTORY = '.mirrorverse';
const CHANGES_PER_SECOND = 4;
const SCHEDULE = '*/3 * * * * *';
const TABLES = [
  'account',
  'contact',
  'lead',
  'opportunity',
  'incident',
  'task',
  'systemuser',
  'team',
  'transactioncurrency',
  'teammembership',
];

export async function demo(context: CommandContext): Promise<number> {
  const { print, signal } = context;
  print('Starting a Dataverse emulator with some 20,000 rows, and PostgreSQL …');
  const organization = new DemoOrganization({
    historyFolder: DIRECTORY,
    hostile: context.options['hostile'] === true,
  });
  const url = await organization.emulator.listen();
  try {
    return await CommandSession.use(forDemo(context, url, organization), async (session) => {
      const postgres = await session.embeddedPostgres();
      print(`Dataverse   ${url}`);
      print(`PostgreSQL  ${postgres.psqlCommand}`);
      print(
        `Try         SELECT name, revenue, modifiedon FROM dataverse.account ORDER BY modifiedon DESC LIMIT 5;`,
      );
      print('Stop        Ctrl-C; the next start goes on from there.\n');
      const users = async (stop: AbortSignal): Promise<void> => organization.work(CHANGES_PER_SECOND, stop);
      return withServices([users], async () => runUntilStopped(session), signal);
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    return 0;
  } finally {
    await organization.emulator.close();
  }
}

/** The demo brings its own configuration, so that settings of a real environment do not change it. */
function forDemo(context: CommandContext, url: string, organization: DemoOrganization): CommandContext {
  const [token = ''] = organization.emulator.settings.bearerTokens;
  const config: Config = {
    ...context.config,
    dataverse: { url, signIn: { method: 'access-token', token } },
    postgres: { url: 'embedded' },
    schema: 'dataverse',
    stateSchema: 'mirrorverse',
    tables: TABLES.map((name) => ({
      name,
      schedule: SCHEDULE,
      mode: 'changes' as const,
      columns: ALL_COLUMNS,
      softDeletes: false,
    })),
    leftOut: [],
  };
  return { ...context, config };
}
