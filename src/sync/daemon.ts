import { DetailReader, type DetailReaderOptions } from './audit/detail-reader.ts';
import type { LeaseKeeper } from './lease/lease-keeper.ts';
import type { Replicas } from './schedule/replicas.ts';
import { RunningTables } from './schedule/running-tables.ts';
import { ControlWatch } from './watch/control-watch.ts';
import type { Places } from '../timing/places.ts';
import { withServices } from '../timing/services.ts';
import { untilAborted } from '../timing/sleep.ts';
import { FileWorker, type FileWorkerOptions } from './files/file-worker.ts';
import type { LabelKeeper } from './watch/label-keeper.ts';
import { Verifier, type VerifierOptions } from './verify/verifier.ts';
import { keepChangeLog } from './watch/change-log-keeper.ts';
import { followNudges } from './nudges/nudge-follower.ts';
import { NudgeInbox } from './nudges/nudge-inbox.ts';
import { runWebhooks, type WebhookOptions } from './webhooks/webhook-service.ts';
import { keepHistories } from './watch/history-keeper.ts';
import { watchMetadata, type MetadataWatchOptions, type ScheduledTable } from './watch/metadata-watch.ts';

export interface DaemonOptions<T extends ScheduledTable> extends MetadataWatchOptions<T> {
  readonly leases: LeaseKeeper;
  /** Absent where no labels are wanted. */
  readonly labels?: LabelKeeper;
  /** The daemons that mirror the same tables. */
  readonly replicas?: Replicas | undefined;
  /** Places for tables at work. */
  readonly places: Places;
  /** How tables are verified in the background; absent, they are not. */
  readonly verification?: Pick<VerifierOptions, 'wishes' | 'requestsPer5Minutes' | 'lookForDueEvery'>;
  /** Whose audit rows have details; absent, those of no table. */
  readonly audit?: Pick<DetailReaderOptions, 'wishes' | 'columnsOf' | 'requestsPer5Minutes' | 'lookEvery'>;
  /** Where changes are posted; absent, nowhere. */
  readonly webhooks?: Pick<WebhookOptions, 'wishes' | 'proxy'>;
  /** Where nudges come in; absent, this process gets none itself. */
  readonly nudges?: NudgeInbox | undefined;
  /** How bodies of files are fetched; absent, none are. */
  readonly files?: Pick<FileWorkerOptions, 'wishes' | 'requestsPer5Minutes' | 'proxy' | 'lookEvery'>;
  /** Told which tables are paused, whenever that changes. */
  readonly onPaused?: (tables: readonly string[]) => void;
}

/**
 * Every configured table on its schedule, a bounded number at once, until aborted. Resolves when the pages
 * under way are stored or rolled back and the leases are given back.
 *
 * @throws the defect of a service: it stops the others, whose connections would otherwise keep the process
 *   half alive for as long as a baseline takes.
 */
export async function runDaemon<T extends ScheduledTable>(
  options: DaemonOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { mirror, leases, labels, resolution, createJob, logger } = options;
  const control = new ControlWatch(mirror.store, logger, options.onPaused);
  const linkLifeDays = (): number | null => mirror.environment.linkLifeDays;
  const tables = new RunningTables(options.places, linkLifeDays, control, options.replicas);
  const { verification, audit, webhooks, files, onReconfigured = () => undefined } = options;
  const { nudges: inbox = new NudgeInbox() } = options;
  const { store } = mirror;
  const verifier = verification && new Verifier({ ...options, ...verification, tables });
  const details = audit && new DetailReader({ ...options, ...audit, holder: leases.holder });
  const bodies =
    files && new FileWorker({ ...options, ...files, holder: leases.holder, tables: () => tables.settings() });
  logger.info({ tables: resolution.tables.length }, 'Mirroring.');
  for (const table of resolution.tables) tables.add(createJob(table), table.schedule);
  options.onTables?.(tables.names());
  const keepers = [
    async (stop: AbortSignal) => leases.run(stop),
    async (stop: AbortSignal) => labels?.run(stop),
    async (stop: AbortSignal) => keepChangeLog(mirror, logger, stop),
    async (stop: AbortSignal) => keepHistories(mirror, tables, logger, stop),
  ];
  const work = [
    async (stop: AbortSignal) => control.run(stop),
    async (stop: AbortSignal) => followNudges({ inbox, tables, control, store, logger }, stop),
    async (stop: AbortSignal) => tables.run(stop),
    async (stop: AbortSignal) => watchMetadata(options, tables, stop),
    async (stop: AbortSignal) => verifier?.run(stop),
    async (stop: AbortSignal) => details?.run(stop),
    async (stop: AbortSignal) => bodies?.run(stop),
    async (stop: AbortSignal) =>
      webhooks && runWebhooks({ mirror, holder: leases.holder, logger, onReconfigured, ...webhooks }, stop),
  ];
  // A job needs its lease until it has ended, which is after the signal.
  await withServices(keepers, async (stop) => withServices(work, untilAborted, stop), signal);
}
