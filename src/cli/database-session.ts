import { resolve } from 'node:path';
import type { EmbeddedPostgres } from '../embedded-postgres/embedded-postgres.ts';
import { openMirrorDatabase, type MirrorDatabase } from '../mirror/database.ts';
import type { MirrorOptions } from '../mirror/mirror.ts';
import type { Config } from '../config/config.ts';
import type { CommandContext } from './command.ts';
import { mirrorOptions } from './mirror-settings.ts';

/** Where the bundled PostgreSQL keeps its data, under the working directory. */
const EMBEDDED_DIRECTORY = '.mirrorverse/postgres';

/**
 * What a command has opened that only looks into the database. It is closed in the opposite order, also after an
 * error. `status` needs no more than this, and starts in half of the time.
 */
export class DatabaseSession {
  private current: CommandContext;
  private readonly releasers: (() => Promise<void>)[] = [];
  private databaseOpening: Promise<MirrorDatabase> | undefined;
  private postgresOpened: EmbeddedPostgres | undefined;
  /** The failure of the connection that was under way at the start was thrown. */
  private toldFailure = false;

  constructor(context: CommandContext) {
    this.current = context;
  }

  /** What the command works with. Its configuration may change while the daemon runs. */
  get context(): CommandContext {
    return this.current;
  }

  protected useConfig(config: Config): void {
    this.current = { ...this.current, config };
  }

  /** Runs `work` with a session and closes what it opened. */
  static async use<S extends DatabaseSession, T>(
    this: new (context: CommandContext) => S,
    context: CommandContext,
    work: (session: S) => Promise<T>,
  ): Promise<T> {
    const session = new this(context);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  onClose(release: () => Promise<void>): void {
    this.releasers.push(release);
  }

  /** Opens the database at the first call, and returns the same one afterwards. @throws Failure */
  async database(): Promise<MirrorDatabase> {
    this.databaseOpening ??= this.openDatabase();
    try {
      return await this.databaseOpening;
    } catch (error) {
      this.databaseOpening = undefined;
      throw error;
    }
  }

  /** The bundled PostgreSQL, started or joined. @throws Failure `embedded-postgres` */
  async embeddedPostgres(): Promise<EmbeddedPostgres> {
    if (this.postgresOpened !== undefined) return this.postgresOpened;
    const { signal } = this.context;
    // Most processes have a server of their own, and never load this.
    const { openEmbeddedPostgres } = await import('../embedded-postgres/embedded-postgres.ts');
    const postgres = await openEmbeddedPostgres({ directory: resolve(EMBEDDED_DIRECTORY), signal });
    this.onClose(async () => postgres.release());
    this.postgresOpened = postgres;
    return postgres;
  }

  protected async mirrorOptions(): Promise<MirrorOptions> {
    return mirrorOptions(this.context.config, await this.databaseUrl());
  }

  private async openDatabase(): Promise<MirrorDatabase> {
    const { database: opened, logger } = this.context;
    if (opened !== undefined) {
      // Otherwise the pool would make a second connection while the first one is under way.
      const failure = await opened.settled;
      // Another connection would mean another wait. Only a caller that asks once more gets one.
      if (failure !== undefined && !this.toldFailure) {
        this.toldFailure = true;
        throw failure;
      }
      return opened;
    }
    const database = openMirrorDatabase(await this.mirrorOptions(), logger);
    this.onClose(async () => database.close());
    return database;
  }

  private async databaseUrl(): Promise<string> {
    const { url } = present(this.context.config.postgres);
    if (url !== 'embedded') return url;
    return (await this.embeddedPostgres()).url;
  }

  private async close(): Promise<void> {
    for (const release of this.releasers.toReversed()) {
      await release().catch((error: unknown) => {
        const name = error instanceof Error ? error.name : 'unknown';
        this.context.logger.warn({ error: name }, 'Something could not be closed cleanly.');
      });
    }
  }
}

/** @throws TypeError if the command did not say that it needs this part of the configuration. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('The command did not say that it needs this.');
  return value;
}
