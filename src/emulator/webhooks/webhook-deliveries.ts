import { randomUUID } from 'node:crypto';
import type { DataverseStore } from '../store/dataverse-store.ts';
import type { RowMessage } from '../store/row-listener.ts';
import { rowKey } from '../store/stored-row.ts';
import { executionContext } from './execution-context.ts';
import type { WebhookRecord, WebhookRecords } from './webhook-records.ts';

/** Milliseconds that a receiver may take. Source: Microsoft, "Use webhooks to create external handlers for server events". */
const TIME_OUT = 60_000;
/** Statuses after which a request is sent once more. Source: the same page. */
const REPEATED = new Set([502, 503, 504]);
/** Bytes of a context above which its large parts are left out. Source: the same page. */
const LARGEST_CONTEXT = 256 * 1024;
/** Requests at once. */
const AT_ONCE = 8;

/** What the deliveries of an emulator have to know of it. */
export interface DeliveryParts {
  readonly store: DataverseStore;
  readonly records: WebhookRecords;
  /** The domain name of the organization, as the header has it. */
  readonly organization: () => string;
  readonly userId: () => string;
  readonly now: () => number;
}

interface Delivery {
  readonly step: WebhookRecord;
  readonly message: RowMessage;
  readonly table: string;
  readonly id: string;
}

/**
 * Posts what happens to rows to the webhooks of the steps, after the change is made. Requests may overtake each other,
 * as they do in an environment. What is not answered with success becomes a failed system job.
 */
export class WebhookDeliveries {
  readonly #parts: DeliveryParts;
  readonly #waiting: Delivery[] = [];
  #closing = new AbortController();
  #running = 0;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** A row is about to change. */
  changed(message: RowMessage, table: string, id: string): void {
    for (const step of this.#parts.records.stepsFor(message, table)) {
      this.#waiting.push({ step, message, table, id });
      setImmediate(() => this.#next());
    }
  }

  /** Ends the requests under way. Those that wait are dropped. */
  close(): void {
    this.#waiting.length = 0;
    this.#closing.abort();
    this.#closing = new AbortController();
  }

  #next(): void {
    if (this.#running >= AT_ONCE) return;
    const delivery = this.#waiting.shift();
    if (delivery === undefined) return;
    this.#running += 1;
    void this.#deliver(delivery).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { records, now } = this.#parts;
    const { step } = delivery;
    const { signal } = this.#closing;
    let outcome = await this.#post(delivery, signal);
    if (typeof outcome === 'number' && REPEATED.has(outcome)) outcome = await this.#post(delivery, signal);
    if (signal.aborted) return;
    if (typeof outcome === 'number' && outcome >= 200 && outcome < 300) {
      if (step['asyncautodelete'] !== true) records.jobEnded(step, 30, '', now());
      return;
    }
    const code = outcome === 'time-out' ? '0x80050202' : '0x80050201';
    records.jobEnded(step, 31, `${code}: the webhook call ended with ${outcome}.`, now());
  }

  /** @returns the status of the answer, or why there is none. */
  async #post(
    { step, message, table, id }: Delivery,
    closing: AbortSignal,
  ): Promise<number | 'time-out' | 'no connection'> {
    const { store, records, organization, userId, now } = this.#parts;
    const handler = String(step['_eventhandler_value']);
    const endpoint = records.endpoints.get(handler);
    if (endpoint === undefined) return 'no connection';
    const correlationId = randomUUID();
    const row = store.has(table) ? store.data(table).rows.get(rowKey(id, null)) : undefined;
    const whole = executionContext({
      message,
      table,
      id,
      step,
      correlationId,
      userId: userId(),
      at: now(),
      organizationId: store.organizationId,
      values:
        row === undefined
          ? []
          : store.data(table).properties.map((name, at) => [name, row.literals[at] ?? null]),
    });
    const text = JSON.stringify(whole);
    const isTooLarge = Buffer.byteLength(text) > LARGEST_CONTEXT;
    const headers = {
      ...records.headers.get(handler),
      'content-type': 'application/json',
      'x-request-id': randomUUID(),
      'x-ms-dynamics-organization': organization(),
      'x-ms-dynamics-entity-name': table,
      'x-ms-dynamics-request-name': message,
      'x-ms-correlation-request-id': correlationId,
      ...(isTooLarge ? { 'x-ms-dynamics-msg-size-exceeded': 'true' } : {}),
    };
    try {
      const limit = AbortSignal.timeout(TIME_OUT);
      const response = await fetch(String(endpoint['url']), {
        method: 'POST',
        headers,
        body: isTooLarge ? JSON.stringify(withoutLargeParts(whole)) : text,
        redirect: 'manual',
        signal: AbortSignal.any([limit, closing]),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'time-out' : 'no connection';
    }
  }
}

const LARGE_PARTS = new Set(['ParentContext', 'InputParameters', 'PreEntityImages', 'PostEntityImages']);

function withoutLargeParts(context: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(context).filter(([name]) => !LARGE_PARTS.has(name)));
}
