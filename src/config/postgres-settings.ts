import { addressHost, parseAddress } from '../mirror/connection/postgres-address.ts';
import { tlsChoice } from '../mirror/connection/tls-choice.ts';
import { closestName } from '../model/closest-name.ts';
import { toFailure } from '../model/failure.ts';
import { isLoopback } from '../model/loopback.ts';
import type { Config, ConfigProblem, EntraConfig } from './config.ts';
import type { Variables } from './file/file-settings.ts';
import type { Needs } from './load.ts';
import { addMissing } from './missing.ts';
import type { Settings } from './settings.ts';
import { databaseSignInFrom } from './sign-in-settings.ts';

export function postgresFrom(
  settings: Settings,
  variables: Variables,
  needs: Needs,
  problems: ConfigProblem[],
): Config['postgres'] {
  const url = settings.postgres?.url;
  if (url === undefined) {
    if (needs.postgres === true) {
      addMissing(problems, 'postgres.url', 'set it or DATABASE_URL, or write `embedded`');
    }
    return undefined;
  }
  const problem = url === 'embedded' ? undefined : addressProblem(url);
  if (problem !== undefined) {
    const meant = closestName(url, ['embedded']);
    problems.push({ key: 'postgres.url', message: problem, ...(meant === null ? {} : { meant }) });
  }
  const urlFile = variables['DATABASE_URL_FILE'];
  if (settings.postgres?.auth !== 'entra' || problem !== undefined) {
    return { url, ...(urlFile === undefined || url === 'embedded' ? {} : { urlFile }) };
  }
  const found: ConfigProblem[] = [];
  const entra = entraFrom(url, settings, variables, found);
  if (needs.postgres === true) problems.push(...found);
  return { url, entra };
}

function entraFrom(
  url: string,
  settings: Settings,
  variables: Variables,
  problems: ConfigProblem[],
): EntraConfig {
  const address = parseAddress(url);
  if (address === undefined) {
    const message = 'is for Azure Database for PostgreSQL; the bundled PostgreSQL has no such sign-in';
    problems.push({ key: 'postgres.auth', message });
  }
  const parameters = address?.searchParams ?? new URLSearchParams();
  const host = address === undefined ? '' : addressHost(address);
  const server = host === '' ? (variables['PGHOST'] ?? 'localhost') : host;
  const wrong = (message: string): void => {
    problems.push({ key: 'postgres.url', message });
  };
  if (address !== undefined && (address.password !== '' || parameters.has('password'))) {
    wrong('must have no password with postgres.auth: entra; a token takes its place');
  }
  const user = [address?.username, parameters.get('user'), variables['PGUSER']];
  if (address !== undefined && user.every((name) => name === undefined || name === null || name === '')) {
    wrong('must name the user with postgres.auth: entra: the role that stands for the identity');
  }
  const isLocal = isLoopback(server) || server.startsWith('/');
  if (parameters.get('sslmode') === 'disable' && !isLocal) {
    wrong(
      'must not say sslmode=disable with postgres.auth: entra, because everybody on the way could read the token',
    );
  }
  const signIn = databaseSignInFrom(settings.dataverse?.auth ?? 'default', variables, problems);
  const authority = 'authorityHost' in signIn ? signIn.authorityHost : undefined;
  return { signIn, resource: resourceOf(server, authority) };
}

/** Azure's clouds: names of servers, sign-in services, and the address that their tokens are for (`az cloud show`). */
const CLOUDS: readonly (readonly [server: RegExp, authority: RegExp, resource: string])[] = [
  [
    /\.usgovcloudapi\.net$/i,
    /login\.microsoftonline\.us/i,
    'https://ossrdbms-aad.database.usgovcloudapi.net',
  ],
  [
    /\.chinacloudapi\.cn$/i,
    /login\.(?:chinacloudapi|partner\.microsoftonline)\.cn/i,
    'https://ossrdbms-aad.database.chinacloudapi.cn',
  ],
];

/** The address that a token must be for, by the cloud of the server or of the sign-in. */
function resourceOf(server: string, authority = ''): string {
  const cloud = CLOUDS.find(([ofServer, ofSignIn]) => ofServer.test(server) || ofSignIn.test(authority));
  return cloud?.[2] ?? 'https://ossrdbms-aad.database.windows.net';
}

/** Why an address cannot lead to a database. */
function addressProblem(text: string): string | undefined {
  if (/^postgres(?:ql)?:\/\/[^/?#]*,/i.test(text)) return SEVERAL_HOSTS;
  const address = parseAddress(text);
  if (address === undefined) {
    return 'must be an address like postgres://user@host/database, or `embedded`';
  }
  // A password with a slash in it ends the host too early, and its rest would be shown as the database's name.
  if (address.pathname.includes('@')) {
    return 'has an @ behind the host; write / in a password as %2F, and @ in a name as %40';
  }
  try {
    // Without a host PGHOST decides, and it is read when the connection is opened.
    const host = addressHost(address);
    if (host.includes(',')) return SEVERAL_HOSTS;
    tlsChoice(host, address.searchParams);
    return undefined;
  } catch (error) {
    const { message, remedy } = toFailure(error);
    return `cannot be used: ${message} ${remedy}`;
  }
}

const SEVERAL_HOSTS = 'names several hosts; name the one host that takes writes';
