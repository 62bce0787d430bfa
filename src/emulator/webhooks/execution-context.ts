import type { WebhookRecord } from './webhook-records.ts';

export interface ContextFacts {
  readonly message: string;
  readonly table: string;
  readonly id: string;
  readonly step: WebhookRecord;
  readonly correlationId: string;
  readonly userId: string;
  readonly organizationId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Names and JSON literals of the row's properties; empty if it was deleted. */
  readonly values: readonly (readonly [name: string, literal: string | null])[];
}

/** The body of a webhook: a RemoteExecutionContext. Source: the sample in Microsoft's "Use webhooks". */
export function executionContext(facts: ContextFacts): Readonly<Record<string, unknown>> {
  const { message, table, id, step, correlationId, userId, organizationId, at } = facts;
  const name = step['name'] ?? null;
  return {
    BusinessUnitId: organizationId,
    CorrelationId: correlationId,
    Depth: 1,
    InitiatingUserId: userId,
    InputParameters: [{ key: 'Target', value: target(facts) }],
    IsExecutingOffline: false,
    IsInTransaction: false,
    IsOfflinePlayback: false,
    IsolationMode: 1,
    MessageName: message,
    Mode: 1,
    OperationCreatedOn: `/Date(${at}+0000)/`,
    OperationId: correlationId,
    OrganizationId: organizationId,
    OrganizationName: 'emulator',
    OutputParameters: [],
    OwningExtension: {
      Id: step['sdkmessageprocessingstepid'] ?? null,
      KeyAttributes: [],
      LogicalName: 'sdkmessageprocessingstep',
      Name: name,
      RowVersion: null,
    },
    ParentContext: null,
    PostEntityImages: [],
    PreEntityImages: [],
    PrimaryEntityId: id,
    PrimaryEntityName: table,
    RequestId: correlationId,
    SecondaryEntityName: 'none',
    SharedVariables: [],
    Stage: 40,
    UserId: userId,
  };
}

function target({ message, table, id, values }: ContextFacts): object {
  const common = { Id: id, KeyAttributes: [], LogicalName: table, RowVersion: null };
  if (message === 'Delete') {
    return {
      __type: 'EntityReference:http://schemas.microsoft.com/xrm/2011/Contracts',
      ...common,
      Name: null,
    };
  }
  const attributes = values.flatMap(([key, literal]) =>
    literal === null ? [] : [{ key, value: JSON.parse(literal) as unknown }],
  );
  return {
    __type: 'Entity:http://schemas.microsoft.com/xrm/2011/Contracts',
    ...common,
    Attributes: attributes,
    EntityState: null,
    FormattedValues: [],
    RelatedEntities: [],
  };
}
