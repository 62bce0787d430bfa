import type { DataverseClient } from '../../dataverse/http/client.ts';
import type { Message, WebhookStep } from '../../dataverse/webhooks/webhook-steps.ts';
import type { NudgeStep } from './nudge-report.ts';

/** What belongs to one mirror in its environment. */
export interface NudgePlace {
  readonly client: DataverseClient;
  readonly organizationId: string;
  /** `nudge.name`, or the schema of the mirror tables. */
  readonly name: string;
}

/**
 * The name of the endpoint. It has the organization, so that a copy of an environment is not taken for the original, and
 * the mirror, so that two mirrors of one environment leave each other alone. Dataverse takes 100 characters.
 */
export function endpointName({ organizationId, name }: NudgePlace): string {
  return `mirrorverse ${organizationId.slice(0, 8)}/${name}`;
}

export function stepName(endpoint: string, message: Message, table: string): string {
  return `${endpoint}: ${message} of ${table}`;
}

/** The table in the name of a step; undefined if somebody has renamed the step. */
export function tableIn({ name }: WebhookStep, endpoint: string): string | undefined {
  const [, table] = name.startsWith(`${endpoint}: `) ? (/ of (\w+)$/.exec(name) ?? []) : [];
  return table;
}

/** The step for a message of a table: by its filter if that is known, because somebody may rename a step. */
export function stepOf(
  steps: readonly WebhookStep[],
  message: Message,
  table: string,
  endpoint: string,
  filterId?: string,
): NudgeStep {
  const wanted = stepName(endpoint, message, table);
  const step = steps.find((each) =>
    filterId === undefined ? each.name === wanted : each.filterId === filterId,
  );
  return { message, step: step ?? null };
}
