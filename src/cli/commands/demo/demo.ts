import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import type { Config } from '../../../config/config.ts';
import { readEnvironment } from '../../../dataverse/metadata/environment.ts';
import { DemoOrganization } from '../../../emulator/demo/demo-organization.ts';
import { errorCode } from '../../../model/error-description.ts';
import { Failure } from '../../../model/failure.ts';
import { registerNudges } from '../../../operations/nudges/nudge-registration.ts';
import { readStatus } from '../../../operations/status/mirror-status.ts';
import { ALL_COLUMNS } from '../../../sync/tables/table-selection.ts';
import { withServices } from '../../../timing/services.ts';
import { sleep } from '../../../timing/sleep.ts';
import type { CommandContext } from '../../command.ts';
import { CommandSession } from '../../command-session.ts';
import { DatabaseSession } from '../../database-session.ts';
import { counted } from '../../output.ts';
import { statusOptions } from '../inspection/status.ts';
import { runUntilStopped } from '../mirroring/run.ts';
import { DemoDigest } from './demo-digest.ts';
import { demoScreen, readExample } from './demo-screen.ts';

/** The demo keeps all its files here, under the working directory. */
const DIRECTORY = '.mirrorverse';
/** So few that tables rest between two changes, as they do in most organizations. */
const CHANGES_PER_SECOND = 1;
/** Nudges bring changes sooner. */
const SCHEDULE = '*/15 * * * * *';
/** Milliseconds between two lines about changes. */
const REST = 5_000;
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
  const begun = performance.now();
  const organization = new DemoOrganization({
    historyFolder: DIRECTORY,
    hostile: context.options['hostile'] === true,
  });
  try {
    return await DatabaseSession.use({ ...context, config: demoConfig(context.config) }, async (outer) => {
      const url = await listenWhereKnown(organization, outer);
      const page = await freePage(context.config);
      const nudges = await freeNudges();
      const [token = ''] = organization.emulator.settings.bearerTokens;
      const config: Config = {
        ...outer.context.config,
        dataverse: { url, signIn: { method: 'access-token', token } },
        health: page,
        nudge: nudges,
      };
      const digest = new DemoDigest(TABLES);
      const tell = async (stop: AbortSignal): Promise<void> =>
        tellChanges({ ...outer.context, signal: stop }, outer, digest, {
          begun,
          places: { page: pageAddress(page), dataverse: url },
        });
      const users = async (stop: AbortSignal): Promise<void> => organization.work(CHANGES_PER_SECOND, stop);
      const logger = quiet(context.logger);
      const nudging = async (stop: AbortSignal): Promise<void> =>
        CommandSession.use({ ...context, config, logger, signal: stop }, async (session) =>
          register(session, nudges),
        );
      return CommandSession.use({ ...context, config, logger }, async (session) =>
        withServices([users, tell, nudging], async () => runUntilStopped(session, { meter: digest }), signal),
      );
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    return 0;
  } finally {
    await organization.emulator.close();
    if (signal.aborted) print('Stopped. The next start goes on from there.');
  }
}

/** A person reads the lines about changes, and not a line about each run. */
function quiet(logger: CommandContext['logger']): CommandContext['logger'] {
  return logger.level === 'info' ? logger.child({}, { level: 'warn' }) : logger;
}

/** Tells what to look at once all tables are loaded, and afterwards every few seconds what changed. */
async function tellChanges(
  { print, config, signal }: CommandContext,
  session: DatabaseSession,
  digest: DemoDigest,
  { begun, places }: { begun: number; places: { page: string; dataverse: string } },
): Promise<void> {
  const stopped = sleep(2 ** 31 - 1, signal).catch(() => undefined);
  await Promise.race([digest.loaded, stopped]);
  if (signal.aborted) return;
  const seconds = Math.max(1, Math.round((performance.now() - begun) / 1_000));
  const database = await session.database();
  const { tables } = await readStatus(database, statusOptions(config));
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  digest.take();
  print(`${counted(tables.length, 'table')}, ${counted(rows, 'row')} after ${seconds} s.`);
  const { url: postgres } = await session.embeddedPostgres();
  print(demoScreen({ ...places, postgres }, await readExample(database, signal)));
  while (!signal.aborted) {
    await sleep(REST, signal).catch(() => undefined);
    const line = signal.aborted ? undefined : digest.take(process.stdout.columns);
    if (line !== undefined) print(line);
  }
}

/** The demo brings its own configuration, so that settings of a real environment do not change it. */
function demoConfig(config: Config): Config {
  return {
    ...config,
    dataverse: undefined,
    postgres: { url: 'embedded' },
    schema: 'dataverse',
    stateSchema: 'mirrorverse',
    // If another organization takes the place of the demo's, all rows of the former one go.
    sweep: { ...config.sweep, maxShare: 1 },
    tables: TABLES.map((name) => ({
      name,
      schedule: SCHEDULE,
      mode: 'changes' as const,
      columns: ALL_COLUMNS,
      softDeletes: false,
      indexesLookups: false,
      feed: 'off',
    })),
    leftOut: [],
  };
}

/**
 * Serves the organization at the address that the mirror in this folder knows. Two organizations can only follow
 * each other at one address: the rows of the second one then replace those of the first, as after the reset of an
 * environment.
 *
 * @throws Failure `environment-changed` if the folder holds a mirror of something else.
 */
async function listenWhereKnown({ emulator }: DemoOrganization, session: DatabaseSession): Promise<string> {
  const { environment } = await readStatus(await session.database(), statusOptions(session.context.config));
  const known = environment.url === null ? undefined : new URL(environment.url);
  if (known === undefined) return emulator.listen();
  if (known.hostname !== '127.0.0.1' || known.port === '') {
    throw new Failure({
      code: 'environment-changed',
      message: `The bundled PostgreSQL of this folder holds a mirror of ${known.origin}.`,
      remedy: 'Start the demo in another folder.',
    });
  }
  try {
    return await emulator.listen(Number(known.port));
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    return emulator.listen();
  }
}

/** Has the emulator tell the daemon of each change, as `nudge register` does. */
async function register(session: CommandSession, { url, secret, name }: DemoNudges): Promise<void> {
  const { client } = session.dataverse();
  const { signal } = session.context;
  const { organizationId } = await readEnvironment(client, signal);
  await registerNudges({ client, organizationId, name }, TABLES, { url, secret }, signal);
}

type DemoNudges = Config['nudge'] & { readonly url: string; readonly secret: string; readonly name: string };

async function freeNudges(): Promise<DemoNudges> {
  const host = '127.0.0.1';
  const port = await freePort();
  return {
    host,
    port,
    url: `http://${host}:${port}/`,
    secret: randomBytes(32).toString('hex'),
    name: 'demo',
    queue: undefined,
  };
}

/** Where the status page is served: as configured, else on a free port of this machine. */
async function freePage({ health }: Config): Promise<Config['health']> {
  return health.port === undefined ? { host: '127.0.0.1', port: await freePort() } : health;
}

async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

function pageAddress({ host, port }: Config['health']): string {
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}/`;
}
