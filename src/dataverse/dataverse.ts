import type { Logger } from 'pino';
import { createBudget, type Budget, type BudgetLimits } from './budget.ts';
import { DataverseClient } from './client.ts';
import { createHttpClient } from './http-client.ts';
import { createMetadata, type Metadata } from './metadata.ts';
import { createTokenSource, type SignIn } from './sign-in.ts';

export interface DataverseOptions {
  readonly url: string;
  readonly signIn: SignIn;
  readonly limits: BudgetLimits & { readonly requestTimeout: number };
  readonly userAgent: string;
  /** Told, whenever the environment makes all requests pause, for how many milliseconds from now. */
  readonly onPause?: (milliseconds: number) => void;
}

/** One environment, ready to be read: client, metadata and budget that belong together. */
export interface Dataverse {
  readonly client: DataverseClient;
  readonly metadata: Metadata;
  readonly budget: Budget;
  close(): Promise<void>;
}

export function openDataverse(options: DataverseOptions, logger: Logger): Dataverse {
  const origin = new URL(options.url).origin;
  const { onPause } = options;
  const budget = createBudget(options.limits, onPause === undefined ? {} : { onPause });
  const http = createHttpClient();
  const client = new DataverseClient({
    origin,
    tokens: createTokenSource(options.signIn, origin),
    budget,
    http,
    logger,
    requestTimeout: options.limits.requestTimeout,
    userAgent: options.userAgent,
  });
  return {
    client,
    metadata: createMetadata(client, logger),
    budget,
    async close() {
      http.close();
      budget.close();
    },
  };
}
