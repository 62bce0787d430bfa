import type { IdentitySignIn, SignIn } from '../dataverse/sign-in/sign-in-methods.ts';
import { isLoopback } from '../model/loopback.ts';
import type { ConfigProblem } from './config.ts';
import type { Variables } from './file/file-settings.ts';
import type { Settings } from './settings.ts';

type Auth = NonNullable<NonNullable<Settings['dataverse']>['auth']>;

/**
 * How to sign in, from the standard variables of @azure/identity.
 *
 * `default` takes the first of these that is set: a ready token, a client secret, a certificate, a federated token.
 * If none is set, it is the default chain of @azure/identity. The choice is made here because a failure then names
 * one way to sign in, and a failure of the chain names seven.
 */
export function signInFrom(
  auth: Auth,
  variables: Variables,
  problems: ConfigProblem[],
  resource?: string,
): SignIn {
  const authority = variables['AZURE_AUTHORITY_HOST'];
  const authorityHost = authority === undefined ? {} : { authorityHost: withScheme(authority) };
  const tokenUrl = authority === undefined ? undefined : adfsTokenUrl(withScheme(authority), variables);
  if (authority !== undefined && tokenUrl === undefined && !isAuthority(withScheme(authority))) {
    problems.push({
      key: 'AZURE_AUTHORITY_HOST',
      message: 'must be an https: address like https://login.microsoftonline.us',
    });
  }
  const needed = (name: string): string => {
    const value = variables[name];
    if (value === undefined) problems.push({ key: name, message: `is needed to sign in by ${auth}` });
    return value ?? '';
  };
  const path = (name: string): string => {
    const value = needed(name);
    // Otherwise a secret would be used as the name of a file, and an error would quote it.
    if (isNoPath(value))
      problems.push({
        key: name,
        message: 'must be a path; put the text into a file, and give the path of the file',
      });
    return value;
  };
  const optional = (name: string): string | undefined => variables[name];
  const fileOf = <K extends string>(member: K, name: string): Partial<Record<K, string>> => {
    const file = optional(name);
    return file === undefined ? {} : ({ [member]: file } as Record<K, string>);
  };
  switch (auth === 'default' ? givenWay(variables, tokenUrl !== undefined) : auth) {
    case 'access-token': {
      const token = needed('DATAVERSE_ACCESS_TOKEN');
      return { method: 'access-token', token, ...fileOf('tokenFile', 'DATAVERSE_ACCESS_TOKEN_FILE') };
    }
    case 'client-secret':
      return {
        method: 'client-secret',
        tenantId: tokenUrl === undefined ? needed('AZURE_TENANT_ID') : ADFS,
        clientId: needed('AZURE_CLIENT_ID'),
        clientSecret: needed('AZURE_CLIENT_SECRET'),
        ...fileOf('secretFile', 'AZURE_CLIENT_SECRET_FILE'),
        ...authorityHost,
        ...(tokenUrl === undefined
          ? {}
          : { adfs: { tokenUrl, ...(resource === undefined ? {} : { resource }) } }),
      };
    case 'client-certificate': {
      const certificatePassword = optional('AZURE_CLIENT_CERTIFICATE_PASSWORD');
      return {
        method: 'client-certificate',
        tenantId: needed('AZURE_TENANT_ID'),
        clientId: needed('AZURE_CLIENT_ID'),
        certificatePath: path('AZURE_CLIENT_CERTIFICATE_PATH'),
        ...(certificatePassword === undefined ? {} : { certificatePassword }),
        ...fileOf('passwordFile', 'AZURE_CLIENT_CERTIFICATE_PASSWORD_FILE'),
        ...authorityHost,
      };
    }
    case 'workload-identity':
      return {
        method: 'workload-identity',
        tenantId: needed('AZURE_TENANT_ID'),
        clientId: needed('AZURE_CLIENT_ID'),
        tokenFilePath: path('AZURE_FEDERATED_TOKEN_FILE'),
        ...authorityHost,
      };
    case 'managed-identity': {
      const clientId = optional('AZURE_CLIENT_ID');
      return { method: 'managed-identity', ...(clientId === undefined ? {} : { clientId }) };
    }
    case 'azure-cli': {
      const tenantId = optional('AZURE_TENANT_ID');
      return { method: 'azure-cli', ...(tenantId === undefined ? {} : { tenantId }) };
    }
    case 'device-code':
    case 'browser':
      return {
        method: auth === 'browser' ? 'browser' : 'device-code',
        tenantId: optional('AZURE_TENANT_ID') ?? 'organizations',
        clientId: optional('AZURE_CLIENT_ID') ?? DEVELOPMENT_CLIENT,
        ...authorityHost,
      };
    case 'default':
      return { method: 'default', ...authorityHost };
  }
}

/**
 * The public client that Microsoft registered for development against Dataverse. Its documents use this client for
 * interactive sign-in (learn.microsoft.com, "Use connection strings in XRM tooling"), and public code also uses it with
 * a device code and with http://localhost. A tenant may forbid it; then AZURE_CLIENT_ID names a client of its own.
 */
const DEVELOPMENT_CLIENT = '51f81489-12ee-4a9e-aaae-a2591f45987d';

/**
 * How to sign in to Azure Database for PostgreSQL: as to the environment. A ready token is for the environment alone,
 * and a person would have to sign in twice, so there the variables of Azure decide.
 */
export function databaseSignInFrom(
  auth: Auth,
  variables: Variables,
  problems: ConfigProblem[],
): IdentitySignIn {
  const { DATAVERSE_ACCESS_TOKEN: _, ...others } = variables;
  const isOwn = auth === 'access-token' || auth === 'device-code' || auth === 'browser';
  const signIn = signInFrom(isOwn ? 'default' : auth, others, problems);
  if (signIn.method === 'access-token') throw new TypeError('A ready token is no way into PostgreSQL.');
  return signIn;
}

function givenWay(variables: Variables, isAdfs: boolean): Auth {
  const has = (...names: string[]): boolean => names.every((name) => variables[name] !== undefined);
  if (has('DATAVERSE_ACCESS_TOKEN')) return 'access-token';
  if (isAdfs && has('AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET')) return 'client-secret';
  if (has('AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET')) return 'client-secret';
  if (has('AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_CERTIFICATE_PATH')) return 'client-certificate';
  if (has('AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_FEDERATED_TOKEN_FILE')) return 'workload-identity';
  return 'default';
}

/** Whether a value is a certificate, a key or a token instead of the path of its file. */
function isNoPath(value: string): boolean {
  return /[\r\n\0]|-----BEGIN|^eyJ[\w-]+\./.test(value);
}

/** The documentation of @azure/identity also allows a host name. */
function withScheme(authority: string): string {
  return authority.includes('://') ? authority : `https://${authority}`;
}

/** The secret is sent to this address, so it must be https:. @azure/identity refuses anything else too. */
function isAuthority(address: string): boolean {
  return URL.canParse(address) && new URL(address).protocol === 'https:';
}

/** What stands in an address of AD FS in place of a tenant. */
const ADFS = 'adfs';

/**
 * The token address of AD FS: the address itself, an address that ends with `/adfs`, or a host with the tenant `adfs`.
 * Undefined for any other authority. The secret is sent there, so it must be https:, but for loopback addresses.
 */
function adfsTokenUrl(authority: string, variables: Variables): string | undefined {
  if (!URL.canParse(authority)) return undefined;
  const url = new URL(authority);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) return undefined;
  const path = url.pathname.replace(/\/+$/, '');
  const host = `${url.protocol}//${url.host}`;
  if (/^\/adfs\/oauth2\/token$/i.test(path)) return host + path;
  if (/^\/adfs$/i.test(path)) return `${host}${path}/oauth2/token`;
  const isTenant = variables['AZURE_TENANT_ID']?.toLowerCase() === ADFS;
  return isTenant && path === '' ? `${host}/${ADFS}/oauth2/token` : undefined;
}
