import { readEndpoints } from '../../dataverse/webhooks/webhook-endpoint.ts';
import { countFailedJobs, MESSAGES, readSteps } from '../../dataverse/webhooks/webhook-steps.ts';
import { endpointName, stepOf, tableIn, type NudgePlace } from './nudge-names.ts';
import type { NudgeReport } from './nudge-report.ts';

/** What the environment has for the tables, and how many calls have failed. @throws Failure `nudge-privilege-missing`, and failures of the requests */
export async function nudgeStatus(
  place: NudgePlace,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<NudgeReport & { readonly failures: ReadonlyMap<string, number> }> {
  const { client } = place;
  const name = endpointName(place);
  const [found] = await readEndpoints(client, name, signal);
  const steps = found === undefined ? [] : await readSteps(client, found.id, signal);
  const named = new Set([...tables, ...steps.flatMap((step) => tableIn(step, name) ?? [])]);
  const failures = new Map<string, number>();
  for (const step of steps) failures.set(step.id, await countFailedJobs(client, step.id, signal));
  return {
    url: found?.url ?? null,
    endpoint: found === undefined ? 'missing' : 'unchanged',
    tables: [...named].toSorted().map((table) => ({
      table,
      steps: MESSAGES.map((message) => stepOf(steps, message, table, name)),
      changed: 0,
      notice: null,
    })),
    failures,
  };
}
