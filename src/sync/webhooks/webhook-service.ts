import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { ProxySettings } from '../../dataverse/network/proxy-settings.ts';
import type { WebhookPlace } from '../../mirror/feed/webhook-state.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { Webhook } from '../../model/webhook.ts';
import { untilAborted } from '../../timing/sleep.ts';
import { DELIVERY_TIMES, EndpointDelivery, type DeliveryTimes } from './endpoint-delivery.ts';
import { createPost } from './webhook-post.ts';

export interface WebhookOptions {
  readonly mirror: Pick<Mirror, 'pool' | 'schema' | 'stateSchema' | 'store'>;
  /** The webhooks that are configured now. */
  readonly wishes: () => readonly Webhook[];
  readonly onReconfigured: (listener: () => void, signal: AbortSignal) => void;
  readonly proxy: ProxySettings | undefined;
  /** The name of this process. */
  readonly holder: string;
  readonly logger: Logger;
  readonly times?: DeliveryTimes;
  /** The name service; by default that of the system. */
  readonly lookup?: Parameters<typeof createPost>[3];
}

/** Delivers changes to all configured webhooks until aborted. One that does not answer holds up no other. */
export async function runWebhooks(options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { wishes, onReconfigured } = options;
  while (!signal.aborted) {
    const wanted = wishes();
    const changed = new AbortController();
    const either = AbortSignal.any([signal, changed.signal]);
    onReconfigured(() => {
      if (!isDeepStrictEqual(wishes(), wanted)) changed.abort();
    }, either);
    await Promise.all([
      untilAborted(either),
      ...wanted.map(async (wish) => deliveryTo(wish, options).run(either)),
    ]);
  }
}

function deliveryTo(
  wish: Webhook,
  { mirror, proxy, holder, logger, times = DELIVERY_TIMES, lookup }: WebhookOptions,
): EndpointDelivery {
  const { pool, schema, stateSchema, store } = mirror;
  const place: WebhookPlace = {
    pool,
    schema,
    stateSchema,
    environmentId: store.environmentId,
    endpoint: wish.name,
    // Two environments may share the state and post to the same address.
    consumer: `webhook:${schema}/${wish.name}`,
    tables: wish.tables,
    holder,
  };
  return new EndpointDelivery(place, wish, createPost(wish, proxy, times.timeout, lookup), { logger, times });
}
