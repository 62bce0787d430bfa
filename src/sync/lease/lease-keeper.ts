import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import { renewLeases, type Lease } from '../../mirror/lease/leases.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { sleep } from '../../timing/sleep.ts';

/** Milliseconds between two looks at whether the process moves. */
const BEAT = 1_000;
/** Milliseconds by which a beat may come late before it is told. */
const STANDSTILL = 5_000;

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
  private readonly renewalFailed: LogThrottle;

  constructor(mirror: Mirror, holder: string, logger: Logger) {
    this.mirror = mirror;
    this.holder = holder;
    this.logger = logger;
    this.renewalFailed = new LogThrottle(logger);
  }

  keep(lease: Lease): void {
    this.inUse.add(lease);
  }

  drop(lease: Lease): void {
    this.inUse.delete(lease);
  }

  /**
   * Resolves when aborted. A renewal that fails is tried again; the fence guards what it may cost.
   *
   * A process that stood still, stopped or busy with one thing, says so. Whether that cost a lease only
   * the database knows: it renews those that are still its own.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { store, options } = this.mirror;
    const every = options.leaseDuration / 3;
    let due = performance.now() + every;
    while (!signal.aborted) {
      try {
        const rest = Math.min(BEAT, Math.max(0, due - performance.now()));
        const late = await overslept(rest, signal);
        if (late > STANDSTILL) this.tellStandstill(late);
        else if (performance.now() < due) continue;
        due = performance.now() + every;
        await renewLeases(store, [...this.inUse], options.leaseDuration);
      } catch (error) {
        if (signal.aborted) return;
        const name = error instanceof Error ? error.name : 'unknown';
        this.renewalFailed.tell('', { error: name }, 'The leases could not be renewed; trying again.');
      }
    }
  }

  private tellStandstill(milliseconds: number): void {
    const seconds = Math.round(milliseconds / 1000);
    this.logger.warn({ seconds }, `The process stood still for ${seconds} s.`);
  }
}

/** Sleeps, and returns by how many milliseconds it became longer than it was to be. */
async function overslept(milliseconds: number, signal: AbortSignal): Promise<number> {
  const begun = performance.now();
  await sleep(milliseconds, signal);
  return performance.now() - begun - milliseconds;
}
