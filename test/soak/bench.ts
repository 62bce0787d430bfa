import type { QueryResultRow } from 'pg';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';
import { ROW_CANARY } from '../support/canaries.ts';
import { CommandLine, type RunningCommand } from '../support/command-line.ts';
import type { TestDatabase } from '../support/database.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { watchLeases } from '../support/lease-journal.ts';
import { watchMirror } from '../support/mirror-journal.ts';

/** A daemon of the soak, under the name that its PostgreSQL sessions have. */
export interface Daemon {
  readonly name: string;
  readonly command: RunningCommand;
}

/** The daemons' way to a database, and an administrator's statements in it. */
export type SoakDatabase = Pick<TestDatabase, 'url' | 'query'>;

export interface SoakBenchOptions {
  /** An empty one. */
  readonly database: SoakDatabase;
  readonly seed: number;
  readonly tables?: readonly TableDefinition[];
  /** Milliseconds. */
  readonly lease: number;
}

/** An emulator and a database behind fault proxies, both watched by triggers, and daemons between them. */
export class SoakBench implements AsyncDisposable {
  readonly emulator: DataverseEmulator;
  readonly environment: FaultProxy;
  readonly database: FaultProxy;
  private readonly cli: CommandLine;
  private readonly watched: SoakDatabase;
  private started = 0;

  private constructor(
    watched: SoakDatabase,
    parts: {
      emulator: DataverseEmulator;
      environment: FaultProxy;
      database: FaultProxy;
      cli: CommandLine;
    },
  ) {
    this.watched = watched;
    this.emulator = parts.emulator;
    this.environment = parts.environment;
    this.database = parts.database;
    this.cli = parts.cli;
  }

  /** The state schema is there when it resolves; no daemon runs yet. */
  static async open(options: SoakBenchOptions, tables: readonly string[]): Promise<SoakBench> {
    const { seed, database: watched } = options;
    const emulator = new DataverseEmulator({
      seed,
      ...(options.tables === undefined ? {} : { tables: options.tables }),
    });
    emulator.settings.errorsQuote = ROW_CANARY;
    const url = await emulator.listen();
    const [environment, database] = await Promise.all([
      FaultProxy.between(url),
      FaultProxy.between(watched.url),
    ]);
    const cli = await CommandLine.open({
      DATAVERSE_URL: environment.url(url),
      DATAVERSE_ACCESS_TOKEN: 'emulator-token',
      MIRRORVERSE_TABLES: tables.join(','),
      MIRRORVERSE_SCHEDULE: '*/2 * * * * *',
      MIRRORVERSE_PAGE_SIZE: '100',
      MIRRORVERSE_REQUESTS_PER_5_MINUTES: '100000',
      MIRRORVERSE_LEASE: `${options.lease}ms`,
      MIRRORVERSE_HEALTH_PORT: '0',
    });
    emulator.settings.limits.requests = 1_000_000;
    const bench = new SoakBench(watched, { emulator, environment, database, cli });
    const migrated = await cli.run(['migrate'], { DATABASE_URL: watched.url });
    if (migrated.status !== 0) throw new Error(`migrate ended with ${migrated.status}:\n${migrated.stderr}`);
    const keys = tables.map((table) => {
      const key = emulator.store.data(table).definition.primaryIdAttribute;
      return `WHEN '${table}' THEN '${key}'`;
    });
    await watchMirror(bench, `CASE relname ${keys.join(' ')} END`);
    await watchLeases(bench);
    return bench;
  }

  /** As an administrator, whatever the daemons may do. */
  async query<T extends QueryResultRow = Record<string, unknown>>(
    sql: string,
    parameters: unknown[] = [],
  ): Promise<T[]> {
    return this.watched.query<T>(sql, parameters);
  }

  startDaemon(): Daemon {
    const name = `daemon-${++this.started}`;
    const through = new URL(this.database.url(this.watched.url));
    through.searchParams.set('application_name', name);
    return { name, command: this.cli.start(['run'], { DATABASE_URL: through.href }) };
  }

  /** Ends one session of a daemon, as an administrator does. */
  async endSession(daemon: string): Promise<void> {
    await this.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT 1`,
      [daemon],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.environment.restore();
    await this.database.restore();
    this.environment.reset();
    this.database.reset();
    await this.cli[Symbol.asyncDispose]();
    await this.environment[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
    await this.emulator.close();
  }
}
