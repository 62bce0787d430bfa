import type { DataverseStore } from '../store/dataverse-store.ts';
import type { WebhookRecords } from '../webhooks/webhook-records.ts';
import type { EmulatorSettings } from '../emulator-settings.ts';
import type { ApiRequest } from './api-request.ts';
import type { QueryOptions } from './query-options.ts';

/** What the handlers of the Web API need. */
export interface WebApi {
  readonly store: DataverseStore;
  readonly settings: EmulatorSettings;
  readonly now: () => number;
  readonly webhooks: WebhookRecords;
  /** A recorded `$metadata` document; null if the emulator makes it from the tables. */
  readonly csdl: string | null;
}

/** One call of the Web API: the request, its options, and the absolute address of the service root. */
export interface ApiCall {
  readonly request: ApiRequest;
  readonly options: QueryOptions;
  /** The body of the request; empty if it has none. */
  readonly body: string;
  /** `https://org/api/data/v9.2`, without a slash at the end. */
  readonly root: string;
}

/** An answer, before it is written to the socket. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export const JSON_CONTENT = 'application/json; odata.metadata=minimal';

export function jsonReply(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, headers: { 'Content-Type': JSON_CONTENT, ...headers }, body };
}
