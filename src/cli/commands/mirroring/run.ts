import { LogThrottle } from '../../../log/log-throttle.ts';
import { isByPerson } from '../../../dataverse/sign-in/sign-in-methods.ts';
import { Failure } from '../../../model/failure.ts';
import { withServices } from '../../../timing/services.ts';
import { sleep } from '../../../timing/sleep.ts';
import type { TableConfig } from '../../../config/config.ts';
import type { ConfigSource } from '../../../config/reload/config-source.ts';
import { untilUsable } from '../../../mirror/database.ts';
import type { Mirror } from '../../../mirror/mirror.ts';
import { createLoadLog, MINUTELY } from '../../../sync/load/load-log.ts';
import { LeaseKeeper } from '../../../sync/lease/lease-keeper.ts';
import { isDatabaseAway } from '../../../sync/run/repairs.ts';
import { runDaemon, type DaemonOptions } from '../../../sync/daemon.ts';
import { Places } from '../../../timing/places.ts';
import { restAfter } from '../../../timing/back-off.ts';
import { joinedMeter, type RunMeter } from '../../../sync/watch/run-meter.ts';
import { levelAfter } from '../../../sync/watch/outage-log.ts';
import { leaveOthers } from '../../../sync/tables/left-tables.ts';
import { selectionFor } from '../../../sync/tables/table-selection.ts';
import type { Resolution } from '../../../sync/tables/table-resolution.ts';
import type { CommandContext } from '../../command.ts';
import { createDaemonHealth, type DaemonHealth } from '../../daemon/daemon-health.ts';
import { createDaemonNudges } from '../../daemon/daemon-nudges.ts';
import { ConfigReload } from './config-reload.ts';
import { leaseHolder, CommandSession } from '../../command-session.ts';

export async function run(context: CommandContext): Promise<number> {
  const { config, logger } = context;
  if (config.dataverse !== undefined && isByPerson(config.dataverse.signIn)) {
    logger.warn(
      { method: config.dataverse.signIn.method },
      'The sign-in of a person is for a first look: it ends with this process, and a later start asks again. Use an app registration or a managed identity for a daemon (MIRRORVERSE_AUTH).',
    );
  }
  return CommandSession.use(context, async (session) => runUntilStopped(session, { source: context.source }));
}

/**
 * The daemon over a session, until its signal; a clean stop is a success.
 *
 * @param options `source` of the configuration, which is read anew from it; without one the configuration stays.
 *   `meter`: is told what the runs do.
 */
export async function runUntilStopped(
  session: CommandSession,
  { source, meter }: { readonly source?: ConfigSource | undefined; readonly meter?: RunMeter },
): Promise<number> {
  const { logger, signal } = session.context;
  const health = await createDaemonHealth(session);
  const nudges = createDaemonNudges(session);
  const reload = source && new ConfigReload(source, session, health.reloaded);
  const work = async (stop: AbortSignal): Promise<void> => {
    const opened = await openPatiently(session, health, stop);
    health.opened();
    nudges.opened(opened.mirror.environment.organizationId);
    const { inbox } = nudges;
    await runDaemon({ ...daemonOptions(session, opened, health, meter), nudges: inbox }, stop);
  };
  try {
    await withServices([health.run, nudges.run, async (stop) => reload?.run(stop)], work, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  logger.info('Stopped.');
  return 0;
}

interface Opened {
  readonly mirror: Mirror;
  readonly resolution: Resolution<TableConfig>;
}

/**
 * Opens the mirror, again and again where that may yet work: database and environment may come up
 * after us, and a wrong secret may be put right.
 */
async function openPatiently(
  session: CommandSession,
  health: DaemonHealth,
  signal: AbortSignal,
): Promise<Opened> {
  const { logger } = session.context;
  // However long the rests become, nothing else is told meanwhile.
  const failed = new LogThrottle(logger, { quiet: Infinity });
  for (let failures = 1; ; failures++) {
    const { config } = session.context;
    try {
      const resolution = await session.resolution({ opensMirror: true });
      const mirror = await session.mirror(resolution.tables);
      if (session.context.config !== config) {
        // The configuration has changed meanwhile, and what was opened last does not know it yet.
        session.reconfigure(session.context.config);
        continue;
      }
      await leaveOthers(mirror.store, session.choice());
      const seconds = failed.over();
      if (seconds !== undefined)
        logger.info({ seconds }, `Database and environment are open after ${seconds} s.`);
      return { resolution, mirror };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure) || error.reaction === 'stop-process') throw error;
      health.openingFailed(error);
      const rest = restAfter(error, failures);
      const { code, remedy, details, message } = error;
      failed.tell(
        code,
        { ...details, code, remedy, rest },
        `${message} It is tried again by itself.`,
        (age) => levelAfter(age, error),
      );
      // A database that comes back is noticed soon, and without a request to the environment for each look.
      if (isDatabaseAway(error)) await untilUsable(await session.database(), rest, signal);
      else await sleep(rest, signal);
    }
  }
}

function daemonOptions(
  session: CommandSession,
  { mirror, resolution }: Opened,
  health: DaemonHealth,
  runMeter: RunMeter | undefined,
): DaemonOptions<TableConfig> {
  const { config, logger, signal } = session.context;
  const leases = new LeaseKeeper(mirror, leaseHolder(), logger);
  const shared = { labels: session.changingLabels(mirror) };
  const meter = joinedMeter(health.meter, runMeter);
  // A solution that adds a column to two hundred tables causes two hundred re-baselines. The changes of
  // all other tables do not wait for them.
  const loads = new Places(config.limits.tables - 2);
  const loadWatch = createLoadLog(logger, MINUTELY);
  const places = new Places(config.limits.tables);
  session.onReconfigured(() => {
    const { tables } = session.context.config.limits;
    loads.change(tables - 2);
    places.change(tables);
  }, signal);
  return {
    dataverse: session.dataverse(),
    mirror,
    choice: () => session.choice(),
    onReconfigured: (listener, stop) => session.onReconfigured(listener, stop),
    resolution,
    replicas: session.replicas,
    createJob: (table) =>
      session.job(mirror, leases, table, { ...shared, loads, watch: health.watch, meter, loadWatch }),
    onTables: health.tables,
    onPaused: health.paused,
    verification: {
      wishes: () => session.context.config.verify,
      requestsPer5Minutes: () => session.context.config.limits.requestsPer5Minutes,
    },
    audit: {
      wishes: () => session.context.config.audit,
      // Not the tables at work: a table that is started anew after a reload is not at work for a moment.
      columnsOf: (table) => selectionFor(session.context.config.tables, table),
      requestsPer5Minutes: () => session.context.config.limits.requestsPer5Minutes,
    },
    webhooks: { wishes: () => session.context.config.webhooks, proxy: config.proxy },
    files: session.fileWishes(),
    ...shared,
    leases,
    places,
    logger,
  };
}
