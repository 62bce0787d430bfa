import type { SignIn } from '../dataverse/sign-in/sign-in.ts';
import type { ConfigProblem } from './config.ts';
import type { Variables } from './file-settings.ts';
import type { Settings } from './settings.ts';

type Auth = NonNullable<NonNullable<Settings['dataverse']>['auth']>;

/**
 * How to sign in, from the standard variables of @azure/identity.
 *
 * `default` takes what is there, in this order: a ready token, a client secret, a certificate, a
 * federated token; and where there is none of them the default chain of @azure/identity. Choosing here
 * rather than in that chain makes its failures name one way instead of seven.
 */
export function signInFrom(auth: Auth, variables: Variables, problems: ConfigProblem[]): SignIn {
  const authority = variables['AZURE_AUTHORITY_HOST'];
  const authorityHost = authority === undefined ? {} : { authorityHost: withScheme(authority) };
  if (authority !== undefined && !isAuthority(withScheme(authority))) {
    problems.push({
      key: 'AZURE_AUTHORITY_HOST',
      message: 'is no https: address like https://login.microsoftonline.us',
    });
  }
  const needed = (name: string): string => {
    const value = variables[name];
    if (value === undefined) problems.push({ key: name, message: `is needed to sign in by ${auth}` });
    return value ?? '';
  };
  const path = (name: string): string => {
    const value = needed(name);
    // Else it would be looked for under its own text, which is the secret.
    if (isNoPath(value))
      problems.push({ key: name, message: 'is no path; put the text into a file, and name that' });
    return value;
  };
  const optional = (name: string): string | undefined => variables[name];
  switch (auth === 'default' ? givenWay(variables) : auth) {
    case 'access-token': {
      const tokenFile = optional('DATAVERSE_ACCESS_TOKEN_FILE');
      const token = needed('DATAVERSE_ACCESS_TOKEN');
      return { method: 'access-token', token, ...(tokenFile === undefined ? {} : { tokenFile }) };
    }
    case 'client-secret':
      return {
        method: 'client-secret',
        tenantId: needed('AZURE_TENANT_ID'),
        clientId: needed('AZURE_CLIENT_ID'),
        clientSecret: needed('AZURE_CLIENT_SECRET'),
        ...authorityHost,
      };
    case 'client-certificate': {
      const certificatePassword = optional('AZURE_CLIENT_CERTIFICATE_PASSWORD');
      return {
        method: 'client-certificate',
        tenantId: needed('AZURE_TENANT_ID'),
        clientId: needed('AZURE_CLIENT_ID'),
        certificatePath: path('AZURE_CLIENT_CERTIFICATE_PATH'),
        ...(certificatePassword === undefined ? {} : { certificatePassword }),
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
    case 'default':
      return { method: 'default', ...authorityHost };
  }
}

function givenWay(variables: Variables): Auth {
  const has = (...names: string[]): boolean => names.every((name) => variables[name] !== undefined);
  if (has('DATAVERSE_ACCESS_TOKEN')) return 'access-token';
  if (has('AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET')) return 'client-secret';
  if (has('AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_CERTIFICATE_PATH')) return 'client-certificate';
  if (has('AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_FEDERATED_TOKEN_FILE')) return 'workload-identity';
  return 'default';
}

/** A certificate, a key or a token where the path of its file was asked for. */
function isNoPath(value: string): boolean {
  return /[\r\n\0]|-----BEGIN|^eyJ[\w-]+\./.test(value);
}

/** The variable is documented as a host name too. */
function withScheme(authority: string): string {
  return authority.includes('://') ? authority : `https://${authority}`;
}

/** The secret goes there, so nothing but https: will do; @azure/identity refuses the rest too. */
function isAuthority(address: string): boolean {
  return URL.canParse(address) && new URL(address).protocol === 'https:';
}
