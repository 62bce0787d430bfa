import { isDeepStrictEqual } from 'node:util';
import { addressText, parseAddress } from '../../mirror/connection/postgres-address.ts';
import type { SignIn } from '../../dataverse/sign-in/sign-in-methods.ts';
import type { Config } from '../config.ts';

/** What is different in a configuration that was read anew, by the keys of the file. */
export interface ConfigChanges {
  /** Changes that a running process can follow. */
  readonly changed: readonly string[];
  /** Changes that need a restart. */
  readonly refused: readonly string[];
}

type Reader = (config: Config) => unknown;

/** What a running process cannot change: it is signed in, connected, listening, and holds leases by these. */
const NEEDS_RESTART: Readonly<Record<string, Reader>> = {
  'dataverse.url': ({ dataverse }) => dataverse?.url,
  'dataverse.apiVersion': ({ dataverse }) => dataverse?.apiVersion,
  'dataverse.auth': ({ dataverse }) => dataverse && withoutSecrets(dataverse.signIn),
  'postgres.url': ({ postgres }) => postgres && withoutPassword(postgres.url),
  'postgres.auth': ({ postgres }) =>
    postgres?.entra && { ...postgres.entra, signIn: withoutSecrets(postgres.entra.signIn) },
  HTTPS_PROXY: ({ proxy }) => proxy,
  'postgres.schema': ({ schema }) => schema,
  'postgres.stateSchema': ({ stateSchema }) => stateSchema,
  'postgres.distribution': ({ distribution }) => distribution,
  lease: ({ lease }) => lease,
  'health.host': ({ health }) => health.host,
  'health.port': ({ health }) => health.port,
  'nudge.host': ({ nudge }) => nudge.host,
  'nudge.port': ({ nudge }) => nudge.port,
  // The port answers at the path of this address.
  'nudge.url': ({ nudge }) => nudge.url,
  'nudge.queue': ({ nudge }) => nudge.queue?.name,
  // With another key every hashed value would change, while the rows are not loaded again.
  MIRRORVERSE_HASH_KEY: ({ hashKey }) => hashKey,
};

/** What a running process can change. */
const CAN_CHANGE: Readonly<Record<string, Reader>> = {
  tables: ({ tables, leftOut }) => [tables, leftOut],
  'limits.requestsPer5Minutes': ({ limits }) => limits.requestsPer5Minutes,
  'limits.requestsPerDay': ({ limits }) => limits.requestsPerDay,
  'limits.concurrency': ({ limits }) => limits.concurrency,
  'limits.pageSize': ({ limits }) => limits.pageSize,
  'limits.pageBytes': ({ limits }) => limits.pageBytes,
  'limits.memory': ({ limits }) => limits.memory,
  'limits.tables': ({ limits }) => limits.tables,
  'limits.requestTimeout': ({ limits }) => limits.requestTimeout,
  labels: ({ labels }) => labels,
  compatibility: ({ compatibility }) => compatibility,
  drift: ({ drift }) => drift,
  quarantine: ({ quarantine }) => quarantine,
  sweep: ({ sweep }) => sweep,
  verify: ({ verify }) => verify,
  feed: ({ feed }) => feed,
  audit: ({ audit }) => audit,
  webhooks: ({ webhooks }) => webhooks,
  'nudge.name': ({ nudge }) => nudge.name,
  files: ({ files }) => files,
  'log.level': ({ logLevel }) => logLevel,
  reload: ({ reload }) => reload,
};

/** The members of the configuration that the keys above stand for. A member that is missing here needs a restart. */
const KNOWN: ReadonlySet<string> = new Set<keyof Config>([
  'dataverse',
  'postgres',
  'proxy',
  'schema',
  'stateSchema',
  'distribution',
  'lease',
  'health',
  'hashKey',
  'tables',
  'leftOut',
  'limits',
  'labels',
  'compatibility',
  'drift',
  'quarantine',
  'sweep',
  'verify',
  'feed',
  'audit',
  'webhooks',
  'nudge',
  'files',
  'logLevel',
  'reload',
  'apiToken',
]);

/** Compares the configuration in force with one that was read anew. Secrets are not compared, except the hash key, those of webhooks, and those of the bucket. */
export function configChanges(before: Config, after: Config): ConfigChanges {
  const differs = (read: Reader): boolean => !isDeepStrictEqual(read(before), read(after));
  const keysOf = (readers: Readonly<Record<string, Reader>>): string[] =>
    Object.entries(readers).flatMap(([key, read]) => (differs(read) ? [key] : []));
  const others = Object.keys({ ...before, ...after })
    .filter((member) => !KNOWN.has(member))
    .filter((member) => differs((config) => (config as unknown as Record<string, unknown>)[member]));
  return { changed: keysOf(CAN_CHANGE), refused: [...keysOf(NEEDS_RESTART), ...others] };
}

const SECRETS: ReadonlySet<string> = new Set(['token', 'clientSecret', 'certificatePassword']);

function withoutSecrets(signIn: SignIn): Record<string, unknown> {
  return Object.fromEntries(Object.entries(signIn).filter(([member]) => !SECRETS.has(member)));
}

function withoutPassword(url: string): string {
  const address = parseAddress(url);
  if (address === undefined) return url;
  address.password = '';
  address.searchParams.delete('password');
  return addressText(address);
}
