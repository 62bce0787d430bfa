import type { Logger } from 'pino';
import type { Mirror } from '../mirror/mirror.ts';
import { renewLeases, type Lease } from '../mirror/state/leases.ts';
import { sleep } from '../model/sleep.ts';

/**
 * Renews the leases in use three times in their duration, until the signal. Only those in use: one that
 * could not be given back must run out, or nobody could ever take it again.
 */
export class LeaseKeeper {
  /** Who this process is, to the leases. */
  readonly holder: string;
  private readonly inUse = new Set<Lease>();
  private readonly mirror: Mirror;
  private readonly logger: Logger;

  constructor(mirror: Mirror, holder: string, logger: Logger) {
    this.mirror = mirror;
    this.holder = holder;
    this.logger = logger;
  }

  keep(lease: Lease): void {
    this.inUse.add(lease);
  }

  drop(lease: Lease): void {
    this.inUse.delete(lease);
  }

  /** Resolves when aborted. A renewal that fails is tried again; the fence guards what it may cost. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, options } = this.mirror;
    while (!signal.aborted) {
      try {
        await sleep(options.leaseDuration / 3, signal);
        await renewLeases(store, [...this.inUse], options.leaseDuration);
      } catch (error) {
        if (signal.aborted) return;
        const name = error instanceof Error ? error.name : 'unknown';
        this.logger.warn({ error: name }, 'The leases could not be renewed; trying again.');
      }
    }
  }
}
