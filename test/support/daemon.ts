import { randomUUID } from 'node:crypto';
import { pino, type Logger } from 'pino';
import type { Dataverse } from '../../src/dataverse/dataverse.ts';
import { APPLY_ALL } from '../../src/mirror/table/drift.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import { Places } from '../../src/timing/places.ts';
import { runDaemon, type DaemonOptions } from '../../src/sync/daemon.ts';
import type { ScheduledTable } from '../../src/sync/watch/metadata-watch.ts';
import { LeaseKeeper } from '../../src/sync/lease/lease-keeper.ts';
import { readResolution } from '../../src/sync/tables/read-resolution.ts';
import { TableJob } from '../../src/sync/run/table-job.ts';
import type { NudgeInbox } from '../../src/sync/nudges/nudge-inbox.ts';
import type { VerifyWishes } from '../../src/sync/verify/verifier.ts';
import { ALL_COLUMNS } from '../../src/sync/tables/table-selection.ts';
import { mirrorOptions, silent } from './mirror.ts';
import type { SyncBench } from './sync.ts';

export interface DaemonLimits {
  /** The daemon closes it. */
  readonly dataverse: Dataverse;
  readonly pageSize: number;
  /** What the share of verification is a share of. */
  readonly verifiedPer5Minutes: number;
  /** Where its nudges come in. */
  readonly nudges: NudgeInbox;
}

/** A daemon over named tables, in this process. */
export class BenchDaemon implements AsyncDisposable {
  /** Codes of its warnings and errors. */
  readonly codes: string[] = [];
  private readonly stop = new AbortController();
  private readonly ended: Promise<void>;

  /**
   * @param lookEvery milliseconds between two looks at the environment.
   * @param lookAgain milliseconds after one that failed.
   * @param verify how tables are verified in the background; absent, they are not.
   */
  constructor(
    bench: SyncBench,
    tables: readonly string[],
    lookEvery: number,
    schedule = '* * * * * *',
    lookAgain = 60_000,
    verify?: VerifyWishes,
    {
      dataverse = bench.dataverse(),
      pageSize = 5_000,
      verifiedPer5Minutes = 6_000,
      nudges,
    }: Partial<DaemonLimits> = {},
  ) {
    const requestsPer5Minutes = (): number => verifiedPer5Minutes;
    const verification =
      verify === undefined
        ? {}
        : { verification: { wishes: () => verify, requestsPer5Minutes, lookForDueEvery: 500 } };
    const looks = { lookEvery, lookAgain, nudges, ...verification };
    this.ended = this.run(bench, tables, looks, schedule, { dataverse, pageSize });
  }

  private async run(
    bench: SyncBench,
    tables: readonly string[],
    looks: Pick<DaemonOptions<ScheduledTable>, 'lookEvery' | 'lookAgain' | 'verification' | 'nudges'>,
    schedule: string,
    { dataverse, pageSize }: Pick<DaemonLimits, 'dataverse' | 'pageSize'>,
  ): Promise<void> {
    const { signal } = this.stop;
    const options = mirrorOptions(bench.database.url);
    const database = openMirrorDatabase(options, silent);
    const logger = this.logger();
    try {
      const mirror = await openMirror(
        database,
        options,
        { url: bench.url, organizationId: bench.emulator.store.organizationId, linkLifeDays: 7 },
        tables,
      );
      const leases = new LeaseKeeper(mirror, `test/${randomUUID()}`, silent);
      const entries = tables.map((name) => ({
        name,
        schedule,
        mode: 'changes' as const,
        columns: ALL_COLUMNS,
        drift: APPLY_ALL,
        softDeletes: false,
        pageSize,
      }));
      const choice = { entries, leftOut: [] };
      await runDaemon(
        {
          dataverse,
          mirror,
          choice: () => choice,
          resolution: await readResolution(dataverse, choice, signal),
          createJob: (table) => new TableJob(table, { dataverse, mirror, leases, logger }),
          leases,
          places: new Places(4),
          logger,
          ...looks,
        },
        signal,
      );
    } finally {
      await database.close();
      await dataverse.close();
    }
  }

  private logger(): Logger {
    const write = (line: string): void => {
      const { code } = JSON.parse(line) as { code?: string };
      if (code !== undefined) this.codes.push(code);
    };
    return pino({ level: 'warn' }, { write });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended;
  }
}
