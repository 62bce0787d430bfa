import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import { renewLeases, type Holding, type Lease } from '../../mirror/lease/leases.ts';
import { LogThrottle, occurred, type Trouble } from '../../log/log-throttle.ts';
import { readableSpan, readableTime } from '../../model/readable-figures.ts';
import { Places } from '../../timing/places.ts';
import { sleep } from '../../timing/sleep.ts';
import { leaseHeld, PATIENCE } from './lease-wait.ts';

/** Milliseconds between two looks at whether the process moves. */
const BEAT = 1_000;
/** Milliseconds by which a beat may come late without a log line. */
const STANDSTILL = 5_000;

/**
 * Renews the leases in use three times in their duration, until the signal. It renews only leases in use, because a
 * lease that could not be given back must run out; otherwise nobody could ever take it again.
 */
export class LeaseKeeper {
  /** The name of this process in leases. */
  readonly holder: string;
  private readonly inUse = new Set<Lease>();
  private readonly mirror: Mirror;
  private readonly logger: Logger;
  private readonly renewalFailed: LogThrottle;
  /** Waits for the lease of each table. */
  private readonly waits = new Map<string, Trouble>();
  /** One place for each table: for the work of this process that has the lease. */
  private readonly turns = new Map<string, Places>();

  constructor(mirror: Mirror, holder: string, logger: Logger) {
    this.mirror = mirror;
    this.holder = holder;
    this.logger = logger;
    this.renewalFailed = new LogThrottle(logger);
  }

  /**
   * Waits until no other work of this process has the lease of a table. The state knows processes alone, and a process
   * may take its own lease again. So a verification that opens or repairs a table would take the lease from the delta
   * under way, which then could not commit.
   *
   * @returns ends the turn.
   * @throws Failure `lease-held` if the other work goes on for longer than a lease lasts, as a load does.
   */
  async turn(table: string, signal: AbortSignal): Promise<() => void> {
    const turns = this.turns.get(table) ?? new Places(1);
    this.turns.set(table, turns);
    const atOnce = turns.take();
    if (atOnce !== null) return atOnce;
    const patience = AbortSignal.timeout(this.mirror.options.leaseDuration * PATIENCE);
    try {
      return await turns.enter(AbortSignal.any([signal, patience]));
    } catch (error) {
      signal.throwIfAborted();
      throw leaseHeld(table, `Other work of this process is writing table ${table}.`, error);
    }
  }

  keep(lease: Lease): void {
    this.inUse.add(lease);
  }

  drop(lease: Lease): void {
    this.inUse.delete(lease);
  }

  /**
   * Logs that a run waits for another process. A process that stands by waits again and again, so it tells this less and
   * less often.
   *
   * @returns for whom and since when, in a few words; undefined if nobody holds the lease any more.
   */
  tellWait(table: string, { holder, since, age }: Holding): string | undefined {
    if (holder === null || since === null) return undefined;
    const { trouble, isTold } = occurred(this.waits.get(table), performance.now(), Infinity);
    this.waits.set(table, trouble);
    const text = `waiting for process ${holder}, which has had the table for ${readableSpan(age / 1000)}`;
    const time = since.toISOString();
    this.logger[isTold ? 'info' : 'debug'](
      { table, holder, since: time },
      `Table ${table}: ${text}, since ${readableTime(since)}.`,
    );
    const [host, pid] = holder.split('/');
    return `another process has it since ${time.slice(11, 19)} UTC: ${pid ?? ''} on ${host ?? ''}`;
  }

  /**
   * Resolves when aborted. A renewal that fails is tried again. If the lease is lost meanwhile, the fence prevents
   * every commit.
   *
   * A process that stood still logs that. Only the database knows whether this cost a lease, and the process renews
   * the leases that are still its own.
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

/** Sleeps, and returns how many milliseconds longer than asked the sleep was. */
async function overslept(milliseconds: number, signal: AbortSignal): Promise<number> {
  const begun = performance.now();
  await sleep(milliseconds, signal);
  return performance.now() - begun - milliseconds;
}
