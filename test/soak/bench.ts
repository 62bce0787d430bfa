import { Pool } from 'pg';
import type { QueryResultRow } from 'pg';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import type { TableDefinition } from '../../src/emulator/table-definition.ts';
import { CommandLine, type RunningCommand } from '../support/command-line.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { watchLeases } from '../support/lease-journal.ts';
import { watchMirror } from '../support/mirror-journal.ts';

/** A daemon of the soak, under the name that its PostgreSQL sessions have. */
export interface Daemon {
  readonly name: string;
  readonly command: RunningCommand;
}

export interface SoakBenchOptions {
  /** An empty database. */
  readonly databaseUrl: string;
  readonly seed: number;
  readonly tables?: readonly TableDefinition[];
  /** Milliseconds. */
  readonly lease: number;
}

/** An emulator and a database behind fault proxies, both watched by triggers, and daemons between them. */
export class SoakBench implements AsyncDisposable {
  readonly emulator: DataverseEmulator;
  readonly pool: Pool;
  readonly environment: FaultProxy;
  readonly database: FaultProxy;
  private readonly cli: CommandLine;
  private readonly databaseUrl: string;
  private started = 0;

  private constructor(
    options: SoakBenchOptions,
    parts: {
      emulator: DataverseEmulator;
      environment: FaultProxy;
      database: FaultProxy;
      cli: CommandLine;
    },
  ) {
    this.databaseUrl = options.databaseUrl;
    this.emulator = parts.emulator;
    this.environment = parts.environment;
    this.database = parts.database;
    this.cli = parts.cli;
    this.pool = new Pool({ connectionString: options.databaseUrl, max: 3, application_name: 'soak' });
    this.pool.on('error', () => undefined);
  }

  /** The state schema is there when it resolves; no daemon runs yet. */
  static async open(options: SoakBenchOptions, tables: readonly string[]): Promise<SoakBench> {
    const { seed } = options;
    const emulator = new DataverseEmulator({
      seed,
      ...(options.tables === undefined ? {} : { tables: options.tables }),
    });
    const url = await emulator.listen();
    const [environment, database] = await Promise.all([
      FaultProxy.between(url),
      FaultProxy.between(options.databaseUrl),
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
    const bench = new SoakBench(options, { emulator, environment, database, cli });
    const migrated = await cli.run(['migrate'], { DATABASE_URL: options.databaseUrl });
    if (migrated.status !== 0) throw new Error(`migrate ended with ${migrated.status}:\n${migrated.stderr}`);
    const keys = tables.map((table) => {
      const key = emulator.store.data(table).definition.primaryIdAttribute;
      return `WHEN '${table}' THEN '${key}'`;
    });
    await watchMirror(bench, `CASE relname ${keys.join(' ')} END`);
    await watchLeases(bench);
    return bench;
  }

  async query<T extends QueryResultRow = Record<string, unknown>>(
    sql: string,
    parameters: unknown[] = [],
  ): Promise<T[]> {
    return (await this.pool.query<T>(sql, parameters)).rows;
  }

  startDaemon(): Daemon {
    const name = `daemon-${++this.started}`;
    const through = new URL(this.database.url(this.databaseUrl));
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
    await this.pool.end();
  }
}
