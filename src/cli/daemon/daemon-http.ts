import { currentSecret } from '../../config/secrets.ts';
import type { MirrorDatabase } from '../../mirror/database.ts';
import { controlTable } from '../../operations/control/control-table.ts';
import { startHeartbeat } from '../../operations/health/heartbeat.ts';
import { createLoadedCheck, healthRoutes } from '../../operations/health/health-routes.ts';
import { sharedStatus, type ProcessFacts } from '../../operations/health/process-status.ts';
import { controlRoutes, type HttpAct } from '../../operations/http/control-routes.ts';
import { runHttpServer } from '../../operations/http/http-server.ts';
import type { openMetrics } from '../../operations/metrics/metrics.ts';
import { readStatus, type StatusOptions } from '../../operations/status/mirror-status.ts';
import { createLiveEvents } from '../../operations/status-page/live-events.ts';
import { pageRoutes } from '../../operations/status-page/page-routes.ts';
import { pageStateReader } from '../../operations/status-page/page-state.ts';
import type { CommandSession } from '../command-session.ts';
import { statusOptions } from '../commands/inspection/status.ts';
import { version } from '../commands/version.ts';

/** Rows above which a scrape takes PostgreSQL's estimate: it comes every few seconds, for all tables. */
const COUNTED_FOR_METRICS = 10_000;
/** The same for the status page, which looks every few seconds while somebody has it open. */
const COUNTED_FOR_PAGE = 50_000;

export interface DaemonFacts extends ProcessFacts {
  /** The names of the configured tables. */
  readonly tables: () => readonly string[];
  readonly metrics: Awaited<ReturnType<typeof openMetrics>>;
}

/** Answers on a port until aborted. @throws Failure `port-taken` */
export async function runDaemonHttp(
  session: CommandSession,
  port: number,
  facts: DaemonFacts,
  stop: AbortSignal,
): Promise<void> {
  const { config, logger, signal } = session.context;
  const { client, budget } = session.dataverse();
  // A reload changes which tables are configured.
  const options = (): StatusOptions => statusOptions(session.context.config);
  const database = async (): Promise<MirrorDatabase> => session.database();

  const read = pageStateReader({
    status: sharedStatus(database, () => ({ ...options(), countedRows: COUNTED_FOR_PAGE })),
    database,
    notReady: facts.notReady,
  });
  const events = createLiveEvents(read);
  // The events end when the daemon is told to stop, and not only when it has stopped.
  signal.addEventListener('abort', events.close, { once: true });

  const act = async (asked: HttpAct): Promise<object> => {
    const controlled = await controlTable(await database(), { ...asked, via: 'http' });
    events.lookSoon();
    const { tables } = await readStatus(await database(), options());
    return { ...tables.find(({ table }) => table === controlled.table), ...controlled };
  };

  const work = { version: version(), budget, pageMemory: client.pageMemory };
  const routes = [
    ...healthRoutes({
      ...facts,
      isAlive: startHeartbeat(stop),
      status: sharedStatus(database, options),
      notLoaded: createLoadedCheck(database, facts.tables),
    }),
    facts.metrics.route(work, async () =>
      readStatus(await database(), { ...options(), countedRows: COUNTED_FOR_METRICS }),
    ),
    ...pageRoutes(read, events, { version: version(), hasToken: config.apiToken !== undefined }),
    ...controlRoutes({
      token: () => currentSecret('MIRRORVERSE_API_TOKEN', session.context.config.apiToken),
      act,
    }),
  ];
  await runHttpServer({ host: config.health.host, port }, routes, logger, stop);
}
