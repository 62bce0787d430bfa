import type { Logger } from 'pino';
import { pruneDeadLetters } from '../../mirror/feed/dead-letters.ts';
import {
  claimWebhook,
  nextBatch,
  releaseWebhook,
  settleBatch,
  type Batch,
  type Settlement,
  type WebhookPlace,
  type WebhookState,
} from '../../mirror/feed/webhook-state.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { toFailure } from '../../model/failure.ts';
import type { Webhook } from '../../model/webhook.ts';
import { backOff } from '../../timing/back-off.ts';
import { sleep } from '../../timing/sleep.ts';
import type { PostResult, WebhookPost } from './webhook-post.ts';

/** Milliseconds. */
export interface DeliveryTimes {
  /** Between two looks for changes. */
  readonly look: number;
  /** How long a process may deliver unless it says so again. */
  readonly lease: number;
  /** How long a receiver may take for its answer. */
  readonly timeout: number;
  /** Between two tries: the first rest, which doubles up to the longest one. */
  readonly first: number;
  readonly longest: number;
  /** From the first try to the last one. */
  readonly giveUp: number;
}

export const DELIVERY_TIMES: DeliveryTimes = {
  look: 2_000,
  lease: 60_000,
  timeout: 30_000,
  first: 5_000,
  longest: 3_600_000,
  giveUp: 86_400_000,
};

/** Milliseconds for reading and settling a batch, beside the time for the receiver. */
const MARGIN = 10_000;
/** Milliseconds between two looks for dead letters that are too old. */
const PRUNE_EVERY = 3_600_000;

/**
 * Delivers changes to one webhook, a batch after the other, while no other process does.
 *
 * A batch is settled after the receiver has taken it. A process that ends between the two delivers the batch once more,
 * with the same id.
 */
export class EndpointDelivery {
  private readonly place: WebhookPlace;
  private readonly wish: Webhook;
  private readonly poster: WebhookPost;
  private readonly logger: Logger;
  private readonly times: DeliveryTimes;
  private readonly trouble: LogThrottle;
  private readonly databaseTrouble: LogThrottle;
  private state: WebhookState | null = null;
  /** When the right to deliver was last asked for, by `performance.now()`. */
  private claimedAt = Number.NEGATIVE_INFINITY;
  private prunedAt = Number.NEGATIVE_INFINITY;
  /** The batch that is tried: when its first and its next try are, by `performance.now()`. */
  private tries = { attempts: 0, begunAt: 0, nextAt: 0 };
  private isStopped = false;
  /** The database answered when it was last asked. */
  private answers = false;

  constructor(
    place: WebhookPlace,
    wish: Webhook,
    poster: WebhookPost,
    { logger, times }: { readonly logger: Logger; readonly times: DeliveryTimes },
  ) {
    this.place = place;
    this.wish = wish;
    this.poster = poster;
    this.logger = logger;
    this.times = times;
    this.trouble = new LogThrottle(logger, { quiet: Infinity });
    this.databaseTrouble = new LogThrottle(logger);
  }

  /** Delivers until aborted. A call under way is broken off: the next process repeats it. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        try {
          await this.claim(signal);
          const rest = await this.step(signal);
          this.answers = true;
          if (rest > 0) await sleep(rest, signal);
        } catch (error) {
          // A call that is broken off by a stop says nothing about the database.
          if (error !== signal.reason) this.answers = false;
          if (signal.aborted) return;
          const { code, remedy } = toFailure(error);
          const webhook = this.wish.name;
          this.databaseTrouble.tell(code, { webhook, code, remedy }, delayed(webhook));
          this.claimedAt = Number.NEGATIVE_INFINITY;
          await sleep(this.times.look, signal).catch(() => undefined);
        }
      }
    } finally {
      // A stop does not wait for a database that says nothing: the lease runs out by itself.
      if (this.answers) await releaseWebhook(this.place).catch(() => undefined);
      this.poster.close();
    }
  }

  private async claim(signal: AbortSignal): Promise<void> {
    const { lease, timeout } = this.times;
    const now = performance.now();
    // A process that does not deliver looks each time, so that it can follow the other one at once.
    if (this.state !== null && now - this.claimedAt < Math.max(0, lease - timeout - MARGIN)) return;
    this.state = await claimWebhook(this.place, lease, signal);
    this.claimedAt = now;
    const { batch } = this.state ?? {};
    if (batch) {
      this.tries = { attempts: batch.attempts, begunAt: now - batch.age, nextAt: now + batch.rest };
    } else this.tries = { attempts: 0, begunAt: 0, nextAt: 0 };
    if (this.state === null || now - this.prunedAt < PRUNE_EVERY) return;
    await pruneDeadLetters(this.place, this.wish.keep, signal);
    this.prunedAt = now;
  }

  /** @returns milliseconds to rest. */
  private async step(signal: AbortSignal): Promise<number> {
    const { state, times, logger } = this;
    const webhook = this.wish.name;
    if (state === null) return times.look;
    if (state.isStopped) {
      if (!this.isStopped) logger.warn({ webhook }, stopped(webhook));
      this.isStopped = true;
      return times.look;
    }
    this.isStopped = false;
    const wait = this.tries.nextAt - performance.now();
    if (state.letter === null && wait > 0) return Math.min(wait, times.look);
    const batch = await nextBatch(this.place, state, signal);
    switch (batch) {
      case 'none':
        return times.look;
      case 'skipped':
        this.state = { ...state, batch: null, reload: false };
        return 0;
      case 'lost':
        this.claimedAt = Number.NEGATIVE_INFINITY;
        return times.look;
      case 'left-behind':
        this.state = { ...state, batch: null, reload: true };
        logger.warn(
          { webhook },
          `Webhook ${webhook} was away for longer than the change log is kept. It gets a marker for each table, and then what changes from now on.`,
        );
        return 0;
      default:
        await this.settle(state, batch, await this.poster.post(batch, signal));
        return 0;
    }
  }

  private async settle(state: WebhookState, batch: Batch, result: PostResult): Promise<void> {
    const { logger } = this;
    const webhook = this.wish.name;
    const isBegun = state.batch?.id === batch.id || batch.letter !== null;
    if (!isBegun) this.tries = { attempts: 0, begunAt: performance.now(), nextAt: 0 };
    const settlement = this.settlementOf(batch, result);
    const isSettled = await settleBatch(this.place, batch, settlement);
    if (!isSettled || batch.letter !== null) {
      // Another process delivers now, or another dead letter may wait.
      this.claimedAt = Number.NEGATIVE_INFINITY;
    }
    if (!isSettled) return;
    if (result.kind === 'failed') {
      this.trouble.tell(
        '',
        { webhook, reason: result.reason, id: batch.id },
        refused(webhook, result.reason),
      );
    }
    switch (settlement.kind) {
      case 'delivered': {
        const seconds = this.trouble.over();
        if (seconds !== undefined) {
          logger.info({ webhook, seconds }, `Webhook ${webhook} takes changes again after ${seconds} s.`);
        }
        logger.debug({ webhook, id: batch.id }, `Webhook ${webhook} took a batch.`);
        break;
      }
      case 'gone':
        this.state = { ...state, isStopped: true };
        return;
      case 'dead':
        logger.error(
          { webhook, reason: settlement.reason, id: batch.id },
          `Webhook ${webhook} did not take a batch in time. The batch is in dead_letters, and the next one is delivered.`,
        );
        break;
      case 'failed':
        if (batch.letter !== null) return;
        this.tries = {
          ...this.tries,
          attempts: this.tries.attempts + 1,
          nextAt: performance.now() + settlement.rest,
        };
        this.state = {
          ...state,
          batch: { id: batch.id, through: batch.through, ...this.tries, age: 0, rest: 0 },
        };
        return;
    }
    if (batch.letter !== null) return;
    this.tries = { attempts: 0, begunAt: 0, nextAt: 0 };
    this.state = { ...state, batch: null, reload: false };
  }

  /** The last try comes when the time is up, whatever rest the receiver asks for. */
  private settlementOf({ letter }: Batch, result: PostResult): Settlement {
    if (result.kind !== 'failed') return result;
    const { reason, retryAfter = 0 } = result;
    const { giveUp, first, longest } = this.times;
    const left = giveUp - (performance.now() - this.tries.begunAt);
    if (letter === null && left <= 0) return { kind: 'dead', reason };
    const rest = Math.max(backOff({ first, longest }, this.tries.attempts + 1, Math.random()), retryAfter);
    return { kind: 'failed', reason, rest: Math.min(rest, Math.max(0, left)) };
  }
}

function stopped(webhook: string): string {
  return `Webhook ${webhook} answered that it is gone (410), so it gets no more changes. Remove it from webhooks, or start it again as docs/webhooks.md says.`;
}

function delayed(webhook: string): string {
  return `The changes for webhook ${webhook} could not be read, or its answer could not be stored. Both are tried again by themselves.`;
}

function refused(webhook: string, reason: string): string {
  return `Webhook ${webhook} did not take a batch (${reason}). It is tried again by itself.`;
}
