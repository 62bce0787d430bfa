import type { Logger } from 'pino';
import type { Mirror } from '../mirror/mirror.ts';
import { renewLeases } from '../mirror/state/leases.ts';
import { sleep } from '../model/sleep.ts';

/** Renews this process's leases three times in their duration, until the signal. */
export class LeaseKeeper {
  private readonly mirror: Mirror;
  private readonly holder: string;
  private readonly logger: Logger;

  constructor(mirror: Mirror, holder: string, logger: Logger) {
    this.mirror = mirror;
    this.holder = holder;
    this.logger = logger;
  }

  /** Resolves when aborted. A renewal that fails is tried again; the fence guards what it may cost. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, options } = this.mirror;
    while (!signal.aborted) {
      try {
        await sleep(options.leaseDuration / 3, signal);
        await renewLeases(store, this.holder, options.leaseDuration);
      } catch (error) {
        if (signal.aborted) return;
        const name = error instanceof Error ? error.name : 'unknown';
        this.logger.warn({ error: name }, 'The leases could not be renewed; trying again.');
      }
    }
  }
}
