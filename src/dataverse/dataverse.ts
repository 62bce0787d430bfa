import type { Logger } from 'pino';
import { environmentAddress } from './environment-address.ts';
import { createBudget, type Budget, type BudgetLimits } from './budget/budget.ts';
import { DataverseClient } from './http/client.ts';
import { createHttpClient } from './http/http-client.ts';
import type { RequestWatch } from './http/request-watch.ts';
import { createMetadata, type Metadata } from './metadata/metadata.ts';
import { createAgents } from './network/proxy-agent.ts';
import { defaultPort, goesByProxy, proxyName, type ProxySettings } from './network/proxy-settings.ts';
import type { SignIn } from './sign-in/sign-in-methods.ts';
import { createTokenSource } from './sign-in/sign-in.ts';

export interface ClientLimits {
  /** Milliseconds from the start of a request to the last byte of its answer. */
  readonly requestTimeout: number;
  /** Milliseconds between two pieces of an answer at most; the default is a minute. */
  readonly idleTimeout?: number;
  /** Bytes of JSON that a page of rows should have at most; the default is 64 MiB. */
  readonly pageBytes?: number;
  /** Bytes of all pages that are read or wait to be written; the default is 256 MiB. */
  readonly memory?: number;
}

const DEFAULT_PAGE_BYTES = 64 * 1024 * 1024;
const DEFAULT_MEMORY = 256 * 1024 * 1024;

export interface DataverseOptions {
  readonly url: string;
  /** The version of the Web API, such as `v9.1`; the default is the newest. */
  readonly apiVersion?: string | undefined;
  readonly signIn: SignIn;
  readonly limits: BudgetLimits & ClientLimits;
  readonly userAgent: string;
  /** The proxy for the environment and for Entra ID. */
  readonly proxy?: ProxySettings | undefined;
  /** Tells the person who signs in what to do. */
  readonly instruct?: (sentence: string) => void;
  /** Called with the milliseconds from now for which the environment makes all requests wait. */
  readonly onThrottle?: (milliseconds: number) => void;
  /** Is told how each request went. */
  readonly watch?: RequestWatch | undefined;
  /** Milliseconds over which the limits of the budget count, where they are not those of Dataverse, as in a test. */
  readonly budgetWindow?: number;
}

/** The client, the metadata and the budget of one environment. */
export interface Dataverse {
  readonly client: DataverseClient;
  readonly metadata: Metadata;
  readonly budget: Budget;
  /** Host and port of the proxy by which the environment is reached; undefined without one. */
  readonly proxy: string | undefined;
  /** Goes on with other limits; requests under way keep their own. `idleTimeout` stays. */
  changeLimits(limits: BudgetLimits & ClientLimits): void;
  close(): Promise<void>;
}

export function openDataverse(options: DataverseOptions, logger: Logger): Dataverse {
  const { hostname, port, protocol } = new URL(options.url);
  const origin = environmentAddress(options.url);
  const { limits, onThrottle } = options;
  const budget = createBudget(limits, {
    window: options.budgetWindow,
    ...(onThrottle === undefined ? {} : { onThrottle }),
  });
  const { proxy } = options;
  const agents = createAgents(proxy);
  const http = createHttpClient(limits.idleTimeout, agents);
  const client = new DataverseClient({
    origin,
    apiVersion: options.apiVersion,
    tokens: createTokenSource(options.signIn, origin, { agents, proxy, instruct: options.instruct }),
    budget,
    http,
    proxy,
    logger,
    ...ofClient(limits),
    userAgent: options.userAgent,
    watch: options.watch,
  });
  return {
    client,
    metadata: createMetadata(client, logger),
    budget,
    proxy:
      proxy && protocol === 'https:' && goesByProxy(proxy, hostname, Number(port || defaultPort(protocol)))
        ? proxyName(proxy)
        : undefined,
    changeLimits(next) {
      budget.change(next);
      client.change(ofClient(next));
    },
    async close() {
      http.close();
      budget.close();
    },
  };
}

function ofClient({
  requestTimeout,
  pageBytes = DEFAULT_PAGE_BYTES,
  memory = DEFAULT_MEMORY,
}: ClientLimits): Required<Pick<ClientLimits, 'requestTimeout' | 'pageBytes' | 'memory'>> {
  return { requestTimeout, pageBytes, memory };
}
