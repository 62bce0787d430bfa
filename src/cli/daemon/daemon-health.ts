import { after, notReady, starting, type Happening } from '../../operations/health/readiness.ts';
import { openMetrics } from '../../operations/metrics/metrics.ts';
import type { Failure } from '../../model/failure.ts';
import { type RunWatch, createOutageLog } from '../../sync/watch/outage-log.ts';
import type { RunMeter } from '../../sync/watch/run-meter.ts';
import type { Service } from '../../timing/services.ts';
import type { CommandSession } from '../command-session.ts';
import { runDaemonHttp } from './daemon-http.ts';

/** The health of the daemon. It is told what happens, and the health port asks it. */
export interface DaemonHealth {
  readonly watch: RunWatch;
  /** Adds up what the runs do; undefined without an HTTP port, where nobody could ask. */
  readonly meter: RunMeter | undefined;
  /** The configuration was read anew and is in use, or was refused. */
  readonly reloaded: (successful: boolean) => void;
  readonly opened: () => void;
  readonly openingFailed: (failure: Failure) => void;
  readonly tables: (names: readonly string[]) => void;
  readonly paused: (names: readonly string[]) => void;
  /** Answers on the HTTP port, if there is one, until aborted. @throws Failure `port-taken` */
  readonly run: Service;
}

/** Milliseconds since 1970 by a clock that nobody sets. With a clock that is set back, a throttle would go on after its end. */
const now = (): number => performance.timeOrigin + performance.now();

/** The session must not have opened the environment before: then its requests would not be counted. */
export async function createDaemonHealth(session: CommandSession): Promise<DaemonHealth> {
  const { config, logger, signal } = session.context;
  const metrics = config.health.port === undefined ? undefined : await openMetrics();
  session.requestWatch = metrics?.work.requests;
  let health = starting(now());
  const note = (happened: Happening): void => {
    health = after(health, { ...happened, at: now() });
  };
  const facts = { notReady: () => notReady(health, now()), gauges: session.dataverse().budget.gauges };
  const configured = (): readonly string[] => [...health.tables.keys()];
  if (signal.aborted) note({ kind: 'stopping' });
  signal.addEventListener('abort', () => note({ kind: 'stopping' }), { once: true });
  session.throttleListeners.push((milliseconds) => note({ kind: 'throttled', milliseconds }));
  const log = createOutageLog(logger);
  return {
    meter: metrics?.work.runs,
    reloaded: (successful) => metrics?.work.reloaded(successful),
    watch: {
      failed(table, failure) {
        note({ kind: 'table-failed', table, failure });
        return log.failed(table, failure);
      },
      progressed(table) {
        note({ kind: 'table-progressed', table });
        log.progressed(table);
      },
      succeeded(table) {
        note({ kind: 'table-succeeded', table });
        log.succeeded(table);
      },
    },
    opened: () => note({ kind: 'opened' }),
    openingFailed: (failure) => note({ kind: 'opening-failed', failure }),
    tables(names) {
      note({ kind: 'tables', names });
      log.tables(names);
      metrics?.work.tables(names);
    },
    paused: (names) => note({ kind: 'tables-paused', names }),
    async run(stop) {
      const { port } = config.health;
      if (port === undefined || metrics === undefined) return;
      await runDaemonHttp(session, port, { ...facts, tables: configured, metrics }, stop);
    },
  };
}
