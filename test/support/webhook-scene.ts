import { settled } from './thing-changes.ts';
import { pino } from 'pino';
import { runWebhooks, type WebhookOptions } from '../../src/sync/webhooks/webhook-service.ts';
import { DELIVERY_TIMES, type DeliveryTimes } from '../../src/sync/webhooks/endpoint-delivery.ts';
import type { Webhook } from '../../src/model/webhook.ts';
import { eventually } from './command-line.ts';
import { page, row, THING } from './hand-made.ts';
import { testMirror, WritingTable, type TestMirror } from './mirror.ts';
import { openReceiver, type Receiver } from './webhook-receiver.ts';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const QUICK: DeliveryTimes = {
  ...DELIVERY_TIMES,
  look: 10,
  lease: 2_000,
  first: 10,
  longest: 40,
  timeout: 10_000,
};

/** A webhook at work, in the place of a daemon. */
export interface Delivery {
  readonly lines: readonly Record<string, unknown>[];
  readonly stop: () => Promise<void>;
}

export type More = Partial<Omit<WebhookOptions, 'wishes'>> & { readonly wish?: Partial<Webhook> };

/** A loaded table with a change log, and a receiver. */
export class Scene implements AsyncDisposable {
  readonly test: TestMirror;
  readonly receiver: Receiver;
  readonly table: WritingTable;
  private readonly deliveries: Delivery[] = [];

  private constructor(test: TestMirror, receiver: Receiver, table: WritingTable) {
    this.test = test;
    this.receiver = receiver;
    this.table = table;
  }

  static async open(scheme?: 'http' | 'https'): Promise<Scene> {
    const [test, receiver] = await Promise.all([testMirror(), openReceiver(scheme)]);
    const table = await WritingTable.open(test.mirror, THING, { feed: 'marker' });
    await table.write(page([row(1, 1)], 'delta'));
    await settled(test);
    return new Scene(test, receiver, table);
  }

  /** Begins to deliver, as a daemon does. */
  deliver({ wish, ...options }: More = {}): Delivery {
    const stop = new AbortController();
    const lines: Record<string, unknown>[] = [];
    const write = (text: string): void => void lines.push(JSON.parse(text) as Record<string, unknown>);
    const { url } = this.receiver;
    const usual = { name: 'test', url, secrets: [SECRET], tables: undefined, allowPrivate: true };
    const wishes: Webhook[] = [{ ...usual, keep: 86_400_000, ...wish }];
    const ended = runWebhooks(
      {
        mirror: this.test.mirror,
        wishes: () => wishes,
        onReconfigured: () => undefined,
        proxy: undefined,
        holder: 'test/1',
        logger: pino({ level: 'debug' }, { write }),
        times: QUICK,
        ...options,
      },
      stop.signal,
    );
    const delivery = {
      lines,
      async stop() {
        stop.abort();
        await ended;
      },
    };
    this.deliveries.push(delivery);
    return delivery;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.deliveries.map(async ({ stop }) => stop()));
    await this.receiver[Symbol.asyncDispose]();
    await this.test[Symbol.asyncDispose]();
  }
}

/** Waits until the webhook got the marker with which each begins. */
export async function begun(receiver: Receiver): Promise<void> {
  await eventually(() => receiver.changes().length > 0);
}

export async function rename(test: TestMirror, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await test.database.query('UPDATE dataverse.thing SET name = $1 WHERE versionnumber = 1', [name]);
  }
}

export const namesIn = (receiver: Receiver): unknown[] =>
  receiver.changes().flatMap(({ operation, after }) => (operation === 'u' ? [after?.['name']] : []));
