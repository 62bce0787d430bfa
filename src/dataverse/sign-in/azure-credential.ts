import {
  AzureAuthorityHosts,
  AzureCliCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  DeviceCodeCredential,
  InteractiveBrowserCredential,
  ManagedIdentityCredential,
  WorkloadIdentityCredential,
  type TokenCredential,
  type TokenCredentialOptions,
} from '@azure/identity';
import { errorCode } from '../../model/error-description.ts';
import { networkCode } from '../http/retry.ts';
import { isProxyCode } from '../network/proxy-failure.ts';
import type { Agents } from '../network/proxy-agent.ts';
import { adfsCredential } from './adfs-credential.ts';
import { outcomeOf, type Outcome } from './sign-in-answer.ts';
import type { IdentitySignIn } from './sign-in-methods.ts';

export interface ObservedCredential {
  readonly credential: TokenCredential;
  outcome(): Outcome | undefined;
}

/** Tells a person how to sign in, in one sentence. */
export type Instruct = (sentence: string) => void;

/**
 * A credential that records what the identity endpoint answered. The errors of @azure/identity for a refused
 * secret and for an unreachable host differ only in their text, by which mirrorverse does not decide. An
 * answer from something other than the endpoint is replaced by a 503 without a body: the library repeats the
 * request then, and would otherwise quote the body in its error.
 *
 * @param secrets texts that no outcome may contain in part.
 * @param address of the environment.
 */
export function observedCredential(
  signIn: IdentitySignIn,
  secrets: readonly string[],
  agents: Agents,
  instruct: Instruct,
  address: string,
): ObservedCredential {
  if (signIn.method === 'client-secret' && signIn.adfs !== undefined) {
    return adfsCredential({ ...signIn, adfs: signIn.adfs }, secrets, agents, address);
  }
  let outcome: Outcome | undefined;
  const options: TokenCredentialOptions = {
    retryOptions: { maxRetries: 2 },
    // Otherwise the library reads HTTPS_PROXY itself, and throws if it cannot parse it. The agents decide instead.
    proxyOptions: { host: 'http://unused.invalid', port: 80 },
    additionalPolicies: [
      {
        position: 'perRetry',
        policy: {
          name: 'observeOutcome',
          async sendRequest(request, next) {
            const { host, protocol } = new URL(request.url);
            request.agent = protocol === 'https:' ? agents.https : agents.http;
            // What counts if no answer comes.
            outcome = { kind: 'network', code: 'time-out', host };
            try {
              const response = await next(request);
              const seen = outcomeOf(response.status, response.bodyAsText ?? '', secrets);
              outcome = { ...seen, host };
              const isRedirect = response.status >= 300 && response.status < 400;
              if (seen.kind !== 'foreign' || isRedirect || !HAS_OWN_ENDPOINT.has(signIn.method)) {
                return response;
              }
              return { ...response, status: 503, bodyAsText: '' };
            } catch (error) {
              // The library keeps the code of an error, and not its class.
              const code = errorCode(error);
              outcome = {
                kind: 'network',
                code: isProxyCode(code) ? code : (networkCode(error) ?? 'unknown'),
                host,
              };
              // The library would repeat the request. A name that is not there does not appear within seconds.
              if (code === 'ENOTFOUND' && HAS_OWN_ENDPOINT.has(signIn.method)) {
                throw new Error('The host name does not resolve.', { cause: error });
              }
              throw error;
            }
          },
        },
      },
    ],
  };
  return { credential: createCredential(signIn, options, instruct), outcome: () => outcome };
}

/** Methods with one endpoint. The others try several endpoints, and need to see how each of them fails. */
const HAS_OWN_ENDPOINT: ReadonlySet<IdentitySignIn['method']> = new Set([
  'client-secret',
  'client-certificate',
  'workload-identity',
  'device-code',
  'browser',
]);

function createCredential(
  signIn: IdentitySignIn,
  common: TokenCredentialOptions,
  instruct: Instruct,
): TokenCredential {
  const options = 'authorityHost' in signIn ? { ...common, ...authority(signIn.authorityHost) } : common;
  switch (signIn.method) {
    case 'client-secret':
      return new ClientSecretCredential(signIn.tenantId, signIn.clientId, signIn.clientSecret, options);
    case 'client-certificate':
      return new ClientCertificateCredential(
        signIn.tenantId,
        signIn.clientId,
        {
          certificatePath: signIn.certificatePath,
          ...(signIn.certificatePassword === undefined
            ? {}
            : { certificatePassword: signIn.certificatePassword }),
        },
        options,
      );
    case 'workload-identity':
      return new WorkloadIdentityCredential({
        ...options,
        tenantId: signIn.tenantId,
        clientId: signIn.clientId,
        tokenFilePath: signIn.tokenFilePath,
      });
    case 'managed-identity':
      return signIn.clientId === undefined
        ? new ManagedIdentityCredential(options)
        : new ManagedIdentityCredential(signIn.clientId, options);
    case 'azure-cli':
      return new AzureCliCredential(signIn.tenantId === undefined ? {} : { tenantId: signIn.tenantId });
    case 'device-code':
      return new DeviceCodeCredential({
        ...options,
        tenantId: signIn.tenantId,
        clientId: signIn.clientId,
        userPromptCallback: ({ verificationUri, userCode }) =>
          instruct(`To sign in, open ${verificationUri} in a browser and enter the code ${userCode}.`),
      });
    case 'browser': {
      const { tenantId, clientId } = signIn;
      const credential = new InteractiveBrowserCredential({ ...options, tenantId, clientId });
      return {
        async getToken(scopes, request) {
          instruct(
            'To sign in, go to the browser window that opens. If none opens, stop the command and set MIRRORVERSE_AUTH=device-code.',
          );
          return credential.getToken(scopes, request);
        },
      };
    }
    case 'default':
      return new DefaultAzureCredential(options);
  }
}

const PUBLIC_AUTHORITIES = new Set<string>(
  [...Object.values(AzureAuthorityHosts), 'https://login.partner.microsoftonline.cn'].map(
    (host) => new URL(host).host,
  ),
);

/**
 * Options for an authority other than the default. The public instance discovery would refuse an authority
 * outside the public clouds (a private cloud, AD FS, a test authority), so it is disabled for those.
 */
function authority(host: string | undefined): {
  authorityHost?: string;
  disableInstanceDiscovery?: boolean;
} {
  if (host === undefined) return {};
  const isPublic = URL.canParse(host) && PUBLIC_AUTHORITIES.has(new URL(host).host);
  return isPublic ? { authorityHost: host } : { authorityHost: host, disableInstanceDiscovery: true };
}
