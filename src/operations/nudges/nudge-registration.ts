import { createEndpoint, readEndpoints, updateEndpoint } from '../../dataverse/webhooks/webhook-endpoint.ts';
import {
  createStep,
  enableStep,
  MESSAGES,
  readFilters,
  readMessages,
  readSteps,
  type Message,
} from '../../dataverse/webhooks/webhook-steps.ts';
import { notice, type FailureSummary } from '../../model/failure.ts';
import { endpointName, stepName, stepOf, type NudgePlace } from './nudge-names.ts';
import type { NudgeReport } from './nudge-report.ts';
import { KEY_HEADER } from './nudge-server.ts';
import { markedDescription } from './secret-mark.ts';

/**
 * Makes the endpoint and the steps of tables, or changes what differs. What others made is not touched.
 *
 * @throws Failure `nudge-privilege-missing`, and failures of the requests. What was made before stays.
 */
export async function registerNudges(
  place: NudgePlace,
  tables: readonly string[],
  { url, secret }: { readonly url: string; readonly secret: string },
  signal: AbortSignal,
): Promise<NudgeReport> {
  const { client } = place;
  const name = endpointName(place);
  const wish = {
    name,
    url,
    description: await markedDescription(secret, name),
    header: { name: KEY_HEADER, value: secret },
  };
  const [found] = await readEndpoints(client, name, signal);
  const differs = found !== undefined && (found.url !== url || found.description !== wish.description);
  if (differs) await updateEndpoint(client, found.id, wish, signal);
  const endpointId = found?.id ?? (await createEndpoint(client, wish, signal));
  const messages = await readMessages(client, signal);
  const before = found === undefined ? [] : await readSteps(client, endpointId, signal);
  const changed = new Map<string, number>();
  const filtersOf = new Map<string, ReadonlyMap<Message, string>>();
  for (const table of tables) {
    const filters = await readFilters(client, table, messages, signal);
    filtersOf.set(table, filters);
    let changes = 0;
    for (const [messageId, message] of messages) {
      const filterId = filters.get(message);
      if (filterId === undefined) continue;
      const step = before.find((each) => each.filterId === filterId);
      if (step?.isEnabled === true) continue;
      if (step !== undefined) await enableStep(client, step.id, signal);
      else
        await createStep(
          client,
          { name: stepName(name, message, table), messageId, filterId, endpointId },
          signal,
        );
      changes++;
    }
    changed.set(table, changes);
  }
  // What the environment says now, and not what was asked of it.
  const after = await readSteps(client, endpointId, signal);
  const endpoint = found === undefined ? 'made' : differs ? 'changed' : 'unchanged';
  return {
    url,
    endpoint,
    tables: tables.map((table) => {
      const filters = filtersOf.get(table) ?? new Map<Message, string>();
      const steps = MESSAGES.map((message) => stepOf(after, message, table, name, filters.get(message)));
      return {
        table,
        steps,
        changed: changed.get(table) ?? 0,
        notice: filters.size === 0 ? impossible(table) : null,
      };
    }),
  };
}

function impossible(table: string): FailureSummary {
  return notice('nudge-impossible', `The environment has no webhooks for changes of table ${table}.`);
}
