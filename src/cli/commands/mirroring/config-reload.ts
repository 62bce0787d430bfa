import { ConfigError, countOf, type ConfigProblem } from '../../../config/config.ts';
import { configChanges } from '../../../config/reload/config-changes.ts';
import type { ConfigSource } from '../../../config/reload/config-source.ts';
import { sleep } from '../../../timing/sleep.ts';
import type { CommandSession } from '../../command-session.ts';
import { tellProblems } from '../../log.ts';
import { onReloadSignal } from '../../process-signals.ts';

/** Milliseconds between two looks at the file. */
const LOOK_EVERY = 2_000;

/**
 * Reads the configuration anew at SIGHUP and after a change of its file, all or nothing: a configuration with a
 * problem, or with a change that needs a restart, changes nothing.
 *
 * A look reads the file, which is small. So it makes no difference if an editor puts another file in its place, or if
 * Kubernetes turns a link to another folder. A new text counts once two looks have found it, because a file may be
 * half written.
 */
export class ConfigReload {
  private readonly source: ConfigSource;
  private readonly session: CommandSession;
  private readonly tell: (isGood: boolean) => void;
  private isGood = true;

  /** @param tell is told each time whether the configuration could be used. */
  constructor(source: ConfigSource, session: CommandSession, tell: (isGood: boolean) => void) {
    this.source = source;
    this.session = session;
    this.tell = tell;
  }

  /** Resolves when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    onReloadSignal(() => this.atSignal(), signal);
    // The file may have changed since the process read it, so the first look finds a new text.
    let known: string | undefined;
    let last: string | undefined;
    while (!signal.aborted) {
      await sleep(LOOK_EVERY, signal).catch(() => undefined);
      if (signal.aborted || this.session.context.config.reload !== 'watch') continue;
      const digest = await this.source.digest();
      if (digest !== known && digest === last) {
        known = digest;
        this.reload();
      }
      last = digest;
    }
  }

  private atSignal(): void {
    const { logger } = this.session.context;
    if (this.source.file() === undefined) {
      logger.info('There is no configuration file to read anew. A running process keeps its variables.');
    } else if (this.reload() === 'unchanged') {
      logger.info('The configuration was read anew. Nothing has changed.');
    }
  }

  private reload(): 'changed' | 'unchanged' | 'refused' {
    const { config: before, logger } = this.session.context;
    const wasGood = this.isGood;
    try {
      const config = this.source.load();
      const { changed, refused } = configChanges(before, config);
      if (refused.length > 0) throw new ConfigError(refused.map(needsRestart));
      this.isGood = true;
      this.tell(true);
      this.session.reconfigure(config);
      if (changed.length > 0) {
        logger.info({ changed }, `The configuration was read anew. Changed: ${changed.join(', ')}.`);
        return 'changed';
      }
      if (!wasGood) logger.info('The configuration is good again, as the process knows it.');
      return wasGood ? 'unchanged' : 'changed';
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.isGood = false;
      this.tell(false);
      tellProblems(logger, error.problems);
      logger.error(
        `The configuration has ${countOf(error.problems)}. Nothing of it was applied; the process goes on with the one before.`,
      );
      return 'refused';
    }
  }
}

function needsRestart(key: string): ConfigProblem {
  return { key, message: 'cannot change in a running process; restart mirrorverse' };
}
