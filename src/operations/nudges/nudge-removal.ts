import {
  deleteEndpoint,
  readEndpoints,
  type WebhookEndpoint,
} from '../../dataverse/webhooks/webhook-endpoint.ts';
import { deleteStep, readSteps } from '../../dataverse/webhooks/webhook-steps.ts';
import { endpointName, tableIn, type NudgePlace } from './nudge-names.ts';
import type { NudgeReport } from './nudge-report.ts';

/**
 * Removes the steps of tables, and the endpoint with the last step.
 *
 * @param tables undefined for all of them.
 * @throws Failure `nudge-privilege-missing`, and failures of the requests. What was removed before stays removed.
 */
export async function removeNudges(
  place: NudgePlace,
  tables: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<NudgeReport> {
  const { client } = place;
  const name = endpointName(place);
  const removed = new Map<string, number>();
  let left: WebhookEndpoint | undefined;
  let gone = false;
  for (const endpoint of await readEndpoints(client, name, signal)) {
    let remaining = 0;
    for (const step of await readSteps(client, endpoint.id, signal)) {
      const table = tableIn(step, name);
      if (tables !== undefined && (table === undefined || !tables.includes(table))) {
        remaining++;
        continue;
      }
      await deleteStep(client, step.id, signal);
      if (table !== undefined) removed.set(table, (removed.get(table) ?? 0) + 1);
    }
    if (remaining > 0) left = endpoint;
    else {
      await deleteEndpoint(client, endpoint.id, signal);
      gone = true;
    }
  }
  const names = tables ?? [...removed.keys()].toSorted();
  return {
    url: left?.url ?? null,
    endpoint: left !== undefined ? 'unchanged' : gone ? 'removed' : 'missing',
    tables: names.map((table) => ({
      table,
      steps: [],
      changed: removed.get(table) ?? 0,
      notice: null,
    })),
  };
}
